"""Every way in which a value comes is one canonical text."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.sources.cells import CONVERTERS

HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize("kind", CONVERTERS)
@pytest.mark.parametrize("cell", ["", "-", "'", "  ", " - ", "'-", "' ", "\x00", "\u00a0"])
def test_null_in_every_spelling(kind: str, cell: str) -> None:
    assert CONVERTERS[kind](cell) is None


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        ("text", "'Здравствуйте!", "Здравствуйте!"),
        ("text", "'[id123|Имя], вы 'тут'", "[id123|Имя], вы 'тут'"),
        ("text", "  с краю  ", "с краю"),
        ("text", "Иванова  Анна", "Иванова  Анна"),
        ("text", "две\r\nстроки\tи \\ косая", "две\r\nстроки\tи \\ косая"),
        ("text", "да\x00нет 😀", "данет 😀"),
        ("text", 5.0, "5"),
        ("text", 5.5, "5.5"),
        ("text", 327441806.0, "327441806"),
        ("text", True, "Да"),
        ("text", dt.date(2026, 2, 3), "03.02.2026"),
        ("text", dt.datetime(2026, 2, 3, 4, 5, 6), "2026-02-03 04:05:06"),
        ("key", 123.0, "123"),
        ("key", 123, "123"),
        ("key", "123", "123"),
        ("key", "'123", "123"),
        ("key", " 327 441\u00a0806 ", "327441806"),
        ("key", "0012", "0012"),
        ("key", "123.0", "123"),
        ("key", 123456789012345.0, "123456789012345"),
        ("key", 1234567890123456.0, "1.23456789012346E+15"),
        ("key", "\ufeff12\u200b3\x01", "123"),
        ("key", "\u200b", None),
        ("score", 5.0, "5"),
        ("score", "5", "5"),
        ("score", "5,0", "5"),
        ("score", "4,5", "4,5"),
        ("score", "отлично", "отлично"),
        ("integer", 12000.0, "12000"),
        ("boolean", True, "Да"),
        ("boolean", False, "Нет"),
        ("boolean", "Да", "Да"),
        ("boolean", "возможно", "возможно"),
        ("date", "02.03.2026", "02.03.2026"),
        ("date", "2.3.2026", "02.03.2026"),
        ("date", "02.03.2026 10:15:00", "02.03.2026"),
        ("date", "2026-03-02", "02.03.2026"),
        ("date", "2026-03-02T23:59:59", "02.03.2026"),
        ("date", dt.date(2026, 3, 2), "02.03.2026"),
        ("date", dt.datetime(2026, 3, 2, 23, 59, 59), "02.03.2026"),
        ("date", "31.02.2026", "31.02.2026"),
        ("date", "завтра", "завтра"),
        ("date", 46083.0, "46083"),
        ("date", dt.time(9, 0), "9:00:00.000"),
        ("timestamp", "2026-03-02 08:30:00", "2026-03-02 08:30:00"),
        ("timestamp", "'2026-03-02 08:30:00", "2026-03-02 08:30:00"),
        ("timestamp", "2026-03-02T08:30:00", "2026-03-02 08:30:00"),
        ("timestamp", "2026-03-02 08:30:00.999", "2026-03-02 08:30:00"),
        ("timestamp", "2026-03-02 08:30", "2026-03-02 08:30:00"),
        ("timestamp", "02.03.2026 8:30", "2026-03-02 08:30:00"),
        ("timestamp", "02.03.2026 08:30:15", "2026-03-02 08:30:15"),
        ("timestamp", "02.03.2026", "2026-03-02 00:00:00"),
        ("timestamp", dt.datetime(2026, 3, 2, 8, 30, 0, 999000), "2026-03-02 08:30:00"),
        ("timestamp", dt.date(2026, 3, 2), "2026-03-02 00:00:00"),
        ("timestamp", "2026-02-30 08:30:00", "2026-02-30 08:30:00"),
        ("timestamp", "2026-03-02 24:00", "2026-03-02 24:00"),
        ("timestamp", "2026-03-02T08:30:00+03:00", "2026-03-02T08:30:00+03:00"),
        ("timestamp", "скоро", "скоро"),
        ("duration", 9 * HOUR, "9:00:00.000"),
        ("duration", 97 * HOUR, "97:00:00.000"),
        ("duration", -HOUR / 2, "-0:30:00.000"),
        ("duration", dt.timedelta(microseconds=1_234_500), "0:00:01.234"),
        ("duration", dt.timedelta(milliseconds=59_999, microseconds=600), "0:01:00.000"),
        ("duration", dt.time(9, 0), "9:00:00.000"),
        ("duration", dt.time(0, 0), "0:00:00.000"),
        ("duration", 0.375, "9:00:00.000"),
        ("duration", 1.5, "36:00:00.000"),
        ("duration", 0, "0:00:00.000"),
        ("duration", -0.5, "-12:00:00.000"),
        ("duration", dt.datetime(1900, 1, 1, 12), "36:00:00.000"),
        ("duration", dt.datetime(1899, 12, 31), "0:00:00.000"),
        ("duration", dt.date(1900, 1, 2), "48:00:00.000"),
        ("duration", dt.datetime(1900, 3, 1, 6), "1470:00:00.000"),
        ("duration", "9:00:00", "9:00:00.000"),
        ("duration", "9:05", "9:05:00.000"),
        ("duration", "09:00:00.5", "9:00:00.500"),
        ("duration", "100:00:00,25", "100:00:00.250"),
        ("duration", "4 days 01:02:03", "97:02:03.000"),
        ("duration", "1 day, 0:00:01", "24:00:01.000"),
        ("duration", "2 дня 3:00:00", "51:00:00.000"),
        ("duration", "-1 day, 23:30:00", "-0:30:00.000"),
        ("duration", "-1:30:00", "-1:30:00.000"),
        ("duration", "9:60:00", "9:60:00"),
        ("duration", "9:60", "9:60"),
        ("duration", "9:5", "9:5"),
        ("duration", "долго", "долго"),
        ("duration", dt.datetime(2026, 3, 2, 8, 30), "2026-03-02 08:30:00"),
    ],
)
def test_canonical_text(kind: str, cell: object, expected: str | None) -> None:
    assert CONVERTERS[kind](cell) == expected  # type: ignore[arg-type]


def test_longest_text_of_a_cell() -> None:
    assert CONVERTERS["text"]("'" + "ы" * 32_766) == "ы" * 32_766


@given(st.integers(0, 10**10))
def test_the_three_forms_of_a_duration_agree(milliseconds: int) -> None:
    as_timedelta = CONVERTERS["duration"](dt.timedelta(milliseconds=milliseconds))
    assert CONVERTERS["duration"](milliseconds / 86_400_000) == as_timedelta
    assert CONVERTERS["duration"](str(as_timedelta)) == as_timedelta


@pytest.mark.parametrize("kind", CONVERTERS)
@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"\A\d{1,4}[.\-]\d{1,2}[.\-]\d{1,4}([ T]\d{1,2}:\d\d(:\d\d)?)?\Z"),
        st.from_regex(r"\A(-?\d{1,3} days? )?-?\d{1,4}:\d\d:\d\d([.,]\d{1,6})?\Z"),
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6),
        st.integers(-(10**9), 10**9),
        st.booleans(),
        st.dates(),
        st.datetimes(),
        st.times(),
        st.timedeltas(dt.timedelta(days=-1000), dt.timedelta(days=100_000)),
    )
)
def test_canonical_text_stays_as_it_is(kind: str, cell: object) -> None:
    once = CONVERTERS[kind](cell)  # type: ignore[arg-type]
    if once is not None and not once.startswith("'"):
        assert CONVERTERS[kind](once) == once
