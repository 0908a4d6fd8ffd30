"""What a message says, and how much of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mcu.alerts import webhook
from mcu.alerts.causes import SUBJECT_CHARACTERS, WHAT_CHARACTERS, shown
from mcu.alerts.kinds import KINDS
from mcu.alerts.ledger import Alert
from mcu.alerts.message import LINES, Message, lines_of

MOSCOW = ZoneInfo("Europe/Moscow")
SINCE = datetime(2026, 11, 23, 5, tzinfo=UTC)


def alert(number: int, kind: str = "load_refused", what: str = "нет столбцов", subject: str | None = None) -> Alert:
    return Alert(number, kind, subject or f"{number}.xlsx", what, SINCE + timedelta(minutes=number))


def message(*new: Alert, gone: tuple[Alert, ...] = ()) -> Message:
    return Message(new, gone, MOSCOW)


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "0.xlsx: нет столбцов"),
        (3, "0.xlsx, 1.xlsx, 2.xlsx: нет столбцов"),
        (4, "0.xlsx, 1.xlsx, 2.xlsx и ещё 1: нет столбцов"),
        (30, "0.xlsx, 1.xlsx, 2.xlsx и ещё 27: нет столбцов"),
    ],
)
def test_one_reason_is_one_line(count: int, line: str) -> None:
    assert [one.text for one in lines_of(map(alert, range(count)))] == [line]


def test_graver_kinds_come_first_and_what_concerns_more() -> None:
    alerts = [alert(1), alert(2, what="пуст"), alert(3, what="пуст"), alert(4, "report_late"), alert(5, "quarantine")]
    assert [(line.kind, line.subjects[0]) for line in lines_of(alerts)] == [
        ("report_late", "4.xlsx"),
        ("quarantine", "5.xlsx"),
        ("load_refused", "2.xlsx"),
        ("load_refused", "1.xlsx"),
    ]


def test_the_whole_text_in_local_time() -> None:
    silent = Alert(3, "source_stale", "ПОС", "последняя выгрузка сделана 20.11.2026 08:00", SINCE)
    told = message(alert(0), alert(1), silent, gone=(alert(4, "delivery_unknown", "оборвалось", "delivery_id 7"),))
    assert told.text == (
        "Источник молчит\n"
        "- ПОС: последняя выгрузка сделана 20.11.2026 08:00 (с 23.11.2026 08:00)\n"
        f"Что делать: {KINDS['source_stale'].triage}\n\n"
        "Файл отклонён\n"
        "- 0.xlsx, 1.xlsx: нет столбцов (с 23.11.2026 08:00)\n"
        f"Что делать: {KINDS['load_refused'].triage}\n\n"
        "Устранено\n"
        "- неизвестно, ушло ли письмо: delivery_id 7: оборвалось\n"
    )
    assert told.subject == "МЦУ: источник молчит (1), файл отклонён (2)"


def test_a_subject_names_three_kinds_at_most() -> None:
    told = message(*(alert(number, kind) for number, kind in enumerate(KINDS)))
    assert told.subject.count("(1)") == 3
    assert told.subject.endswith(", и другое")


def test_twenty_lines_and_the_rest_by_kind() -> None:
    causes = [alert(number, what=f"причина {number}") for number in range(30)]
    refusals = [alert(100 + number, "delivery_refused", f"ответ {number}") for number in range(15)]
    told = message(*causes, *refusals, alert(200, "report_late"))
    assert told.text.count("\n- ") == LINES
    assert "Не показано: файл отклонён — 26. " in told.text
    assert len(told.body["alerts"]) == LINES
    assert told.body["counts"] == {"alerts": 46, "gone": 0}


def test_a_chat_gets_what_it_can_take_however_much_there_is() -> None:
    long = [
        Alert(number, kind, "и" * SUBJECT_CHARACTERS, f"{number}".rjust(WHAT_CHARACTERS, "и"), SINCE)
        for number, kind in enumerate([*KINDS] * 30)
    ]
    told = Message([*long, *long, *long], [*long, *long, *long], MOSCOW)
    assert len(told.text) > webhook.TEXT_CHARACTERS
    assert len(webhook.body(told)["text"]) == webhook.TEXT_CHARACTERS
    assert webhook.body(message(alert(1)))["text"] == message(alert(1)).text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: x", "a Bcc: x"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("a\u202egpj.xlsx", "a\ufffdgpj.xlsx"),
        ("a\ud800", "a\ufffd"),
        ("a\u2028b\tc", "a b c"),
        ("и" * 10, "и" * 10),
        ("и" * 11, "и" * 9 + "…"),
    ],
)
def test_a_line_is_printable_and_short(text: str, line: str) -> None:
    assert shown(text, 10) == line


def test_no_triage_is_missing_and_no_title_has_what_splits_a_header() -> None:
    for kind in KINDS.values():
        assert kind.triage.endswith(".")
        assert kind.title.isprintable()
        assert len(kind.triage) <= 260
