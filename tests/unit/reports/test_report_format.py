from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from mcu.reports import format


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("received", 0, "0"),
        ("received", 1234, "1 234"),
        ("received", 1234567, "1 234 567"),
        ("received", None, "нет данных"),
        ("received_delta", 12, "+12"),
        ("received_delta", -3, "−3"),
        ("received_delta", 0, "0"),
        ("received_delta", -1646, "−1 646"),
        ("received_delta_pct", 26.6, "+27 %"),
        ("received_delta_pct", -4.4, "−4 %"),
        ("received_delta_pct", -0.3, "0 %"),
        ("on_time_share", 0.875, "87,5 %"),
        ("on_time_share", 1.0, "100,0 %"),
        ("share_of_received", 0.0, "0,0 %"),
        ("received_per_10k", 12.34, "12,3"),
        ("median_first_answer_minutes", 0.0, "0 мин"),
        ("median_first_answer_minutes", 45.4, "45 мин"),
        ("median_first_answer_minutes", 180.0, "3 ч"),
        ("p90_first_answer_minutes", 200.0, "3 ч 20 мин"),
        ("overdue_working_minutes", 74096, "1 234 ч 56 мин"),
    ],
)
def test_number_by_the_name_of_its_column(column: str, value: float | None, text: str) -> None:
    assert format.shown(column, value).replace(format.NBSP, " ") == text


def test_number_and_its_unit_are_never_parted() -> None:
    assert " " not in format.shown("on_time_share", 0.5) + format.shown("received", 1234)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2026, 11, 16), date(2026, 11, 23), "16–22 ноября 2026"),
        (date(2026, 11, 30), date(2026, 12, 7), "30 ноября – 6 декабря 2026"),
        (date(2026, 12, 28), date(2027, 1, 4), "28 декабря 2026 – 3 января 2027"),
        (date(2026, 11, 23), date(2026, 11, 30), "23–29 ноября 2026"),
    ],
)
def test_week(start: date, end: date, text: str) -> None:
    assert format.day_range(start, end).replace(format.NBSP, " ") == text


def test_day_has_its_weekday() -> None:
    assert format.day_and_weekday(date(2026, 11, 22)).replace(format.NBSP, " ") == "22 ноября 2026, воскресенье"


def test_moment_is_local() -> None:
    moment = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert format.moment(moment, ZoneInfo("Europe/Moscow")).replace(format.NBSP, " ") == "23.11.2026 01:30"
    assert format.moment(None, ZoneInfo("Europe/Moscow")) == "нет данных"


@pytest.mark.parametrize(
    ("count", "word"),
    [
        (0, "many"),
        (1, "one"),
        (2, "few"),
        (5, "many"),
        (11, "many"),
        (12, "many"),
        (21, "one"),
        (104, "few"),
        (111, "many"),
    ],
)
def test_plural(count: int, word: str) -> None:
    assert format.plural(count, "one", "few", "many") == word


def test_one_line_has_no_breaks_controls_or_direction_marks() -> None:
    assert format.one_line("1\u00a0234") == "1\u00a0234"
    assert format.one_line(" Ямы\r\nBcc:\tx\x00\x1b\u2028y\u202e ") == "Ямы Bcc: x y"


@pytest.mark.parametrize(
    ("text", "result"),
    [("короткий", "короткий"), ("слово за словом", "слово за…"), ("неразрывноеслово", "неразрывно…")],
)
def test_shortened(text: str, result: str) -> None:
    assert format.shortened(text, 11) == result


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Поступило", "Посту-пило"), ("изменение", "изме-не-ние"), ("в срок", "в срок"), ("на 10 тыс.", "на 10 тыс.")],
)
def test_long_words_may_break_at_a_syllable(title: str, shown: str) -> None:
    assert format.hyphenated(title).replace(format.SOFT_HYPHEN, "-") == shown
