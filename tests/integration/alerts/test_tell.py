"""From rows of `ops` to a mail and a POST: once a cause, grouped, and each way for itself."""

from __future__ import annotations

import logging
import re
import smtplib
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg2
import pytest

from mcu.alerts import ledger, mail, webhook
from mcu.alerts.kinds import KINDS
from mcu.alerts.ledger import Way
from mcu.alerts.message import Message
from mcu.alerts.tell import Channel, Look, NotToldError, tell
from stack.paths import REPOSITORY
from tests.integration.alerts.world import HOUR, MONDAY_9, SETTINGS, Hook, World
from tests.integration.reports.scripted_smtp import MailServer

pytestmark = pytest.mark.postgres

RUN = timedelta(minutes=5)
REASON = "нет обязательных столбцов: «Тема»"


@dataclass
class Ear:
    """A way that remembers what it was told; `is_deaf`: it fails, `dies`: it is cut off after it was told."""

    way: Way = "mail"
    is_deaf: bool = False
    dies: bool = False
    heard: list[Message] = field(default_factory=list)

    @property
    def channel(self) -> Channel:
        return Channel(self.way, self._hear)

    def _hear(self, message: Message) -> Sequence[str]:
        if self.is_deaf:
            raise NotToldError(f"{self.way}: deaf")
        self.heard.append(message)
        if self.dies:
            raise KeyboardInterrupt
        return ()


def look(world: World, *ears: Ear, at: datetime = MONDAY_9) -> Look:
    return tell(world.connection, SETTINGS, [ear.channel for ear in ears], at)


def refuse(world: World, name: str, at: datetime = MONDAY_9 - HOUR) -> None:
    world.load(name, "refused", at, f"{name}: {REASON}")


def break_everything(world: World) -> None:
    """A cause of every kind at nine on Monday and after; the deadlines are missed at ten."""
    old = MONDAY_9 - 40 * HOUR
    world.do("update ops.load set exported_at = %s where source = 'pos'", old)
    refuse(world, "refused.xlsx", old)
    world.load("failed.xlsx", "failed", old, "OSError: x")
    world.load("full.xlsx", "published", old, rows=100, quarantined=50)
    world.do("update ops.load set finished_at = %s where uri = 'full.xlsx'", MONDAY_9 - 0.9 * HOUR)
    world.dbt_result(world.build("failed", MONDAY_9), "test.mcu.unique", "fail", MONDAY_9)
    for name in ("late", "refused", "waits", "unknown"):
        world.subscribe(f"{name}@mcu.example")
    world.delivery("refused@mcu.example", "refused", old)
    world.delivery("waits@mcu.example", "planned", old)
    world.delivery("unknown@mcu.example", "unknown", old)
    world.do("insert into ops.report_change values ('weekly', '2026-11-16', 'oblast', 1, 3, %s)", old)
    world.do("insert into ops.missed_deadline values ('build_marts', 'manual__1', %s)", old)


def test_each_kind_is_told_once_over_three_runs(world: World) -> None:
    break_everything(world)
    ear, at = Ear(), MONDAY_9 + 2 * HOUR
    for run in range(3):
        look(world, ear, at=at + run * RUN)
    (message,) = ear.heard
    assert {alert.kind for alert in message.new} == set(KINDS)
    assert len(message.new) == len(KINDS)
    assert all(f"Что делать: {kind.triage}" in message.text for kind in KINDS.values())


def test_nothing_is_said_when_nothing_is_wrong(world: World) -> None:
    ear = Ear()
    assert look(world, ear) == Look(0, 0, 0, [], [])
    assert ear.heard == []


def test_gone_is_told_once_when_it_has_lasted_and_coming_back_later_is_new(world: World) -> None:
    ear = Ear()
    refuse(world, "a.xlsx")
    look(world, ear)
    world.do("update ops.load set status = 'published' where uri = 'a.xlsx'")
    gone_at = MONDAY_9 + RUN
    for at in (gone_at, gone_at + HOUR / 2, gone_at + HOUR, gone_at + HOUR + RUN):
        look(world, ear, at=at)
    assert [len(message.gone) for message in ear.heard] == [0, 1]
    assert "Устранено\n- файл отклонён: a.xlsx: нет обязательных столбцов: «Тема»" in ear.heard[1].text
    assert ear.heard[1].subject == "МЦУ: неполадки устранены"
    world.do("update ops.load set status = 'refused' where uri = 'a.xlsx'")
    look(world, ear, at=gone_at + 1.5 * HOUR)
    assert [len(message.new) for message in ear.heard] == [1, 0, 1]
    assert world.do("select count(*), count(gone_at) from ops.alert") == [(2, 1)]


def test_flapping_within_an_hour_is_told_neither_way(world: World) -> None:
    ear = Ear()
    refuse(world, "a.xlsx")
    look(world, ear)
    for run in range(1, 40):
        world.do("update ops.load set status = %s where uri = 'a.xlsx'", "published" if run % 2 else "refused")
        look(world, ear, at=MONDAY_9 + run * RUN)
    assert len(ear.heard) == 1
    assert world.do("select count(*), count(gone_at) from ops.alert") == [(1, 1)]


def test_five_hundred_refused_files_are_one_mail_of_one_line(world: World) -> None:
    ear = Ear()
    for number in range(500):
        refuse(world, f"{number:03}.xlsx")
    for run in range(3):
        look(world, ear, at=MONDAY_9 + run * RUN)
    (message,) = ear.heard
    assert f"- 000.xlsx, 001.xlsx, 002.xlsx и ещё 497: {REASON} (с 23.11.2026 08:00)\n" in message.text
    assert message.subject == "МЦУ: файл отклонён (500)"
    assert world.do("select count(distinct told_by_mail_at), count(told_by_mail_at) from ops.alert") == [(1, 500)]


def test_five_hundred_reasons_are_twenty_lines_and_a_count(world: World) -> None:
    ear = Ear()
    for number in range(500):
        world.load(f"{number}.xlsx", "refused", MONDAY_9, f"{number}.xlsx: строка {number}: {'!' * 500}")
    look(world, ear)
    (message,) = ear.heard
    assert message.text.count("\n- ") == 20
    assert "Не показано: файл отклонён — 480." in message.text
    assert len(webhook.body(message)["text"]) <= webhook.TEXT_CHARACTERS
    assert message.body["counts"] == {"alerts": 500, "gone": 0}


def test_files_that_are_refused_one_after_the_other_make_a_message_an_hour(world: World) -> None:
    ear = Ear()
    for run in range(25):
        at = MONDAY_9 + run * RUN
        refuse(world, f"{run}.xlsx", at)
        look(world, ear, at=at)
    assert [len(message.new) for message in ear.heard] == [1, 12, 12]


def test_files_that_are_mended_one_after_the_other_make_a_message_an_hour(world: World) -> None:
    ear = Ear()
    for number in range(25):
        refuse(world, f"{number}.xlsx")
    look(world, ear)
    for run in range(1, 26):
        world.do("update ops.load set status = 'published' where uri = %s", f"{run - 1}.xlsx")
        look(world, ear, at=MONDAY_9 + run * RUN)
    for run in range(26, 50):
        look(world, ear, at=MONDAY_9 + run * RUN)
    assert [len(message.gone) for message in ear.heard] == [0, 1, 12, 12]


def test_another_kind_does_not_wait(world: World) -> None:
    ear = Ear()
    refuse(world, "a.xlsx")
    look(world, ear)
    world.delivery("a@mcu.example", "unknown", MONDAY_9)
    look(world, ear, at=MONDAY_9 + RUN)
    assert [alert.kind for message in ear.heard for alert in message.new] == ["load_refused", "delivery_unknown"]


def test_a_way_that_fails_stops_no_other_and_tries_again(world: World) -> None:
    ear, broken = Ear(), Ear("webhook", is_deaf=True)
    refuse(world, "a.xlsx")
    assert look(world, broken, ear).faults == ["webhook: deaf"]
    assert look(world, broken, ear, at=MONDAY_9 + RUN).faults == ["webhook: deaf"]
    broken.is_deaf = False
    assert look(world, broken, ear, at=MONDAY_9 + 2 * RUN).faults == []
    assert look(world, broken, ear, at=MONDAY_9 + 3 * RUN).faults == []
    assert [len(ear.heard), len(broken.heard)] == [1, 1]


def test_a_way_that_comes_later_tells_what_stands_and_not_what_was(world: World) -> None:
    refuse(world, "a.xlsx")
    refuse(world, "b.xlsx")
    look(world)
    world.load("a.xlsx", "published", MONDAY_9)
    look(world, at=MONDAY_9 + RUN)
    ear = Ear()
    look(world, ear, at=MONDAY_9 + 1.9 * HOUR)
    assert [[alert.subject for alert in (*message.new, *message.gone)] for message in ear.heard] == [["b.xlsx"]]


def test_cut_off_between_sending_and_noting_tells_once_more(world: World, warehouse_dsn: str) -> None:
    ear = Ear(dies=True)
    refuse(world, "a.xlsx")
    connection = psycopg2.connect(warehouse_dsn)
    with pytest.raises(KeyboardInterrupt):
        tell(connection, SETTINGS, [ear.channel], MONDAY_9)
    connection.close()
    ear.dies = False
    look(world, ear, at=MONDAY_9 + RUN)
    look(world, ear, at=MONDAY_9 + 2 * RUN)
    assert len(ear.heard) == 2


def at_once(world: World, dsn: str, runs: int) -> Ear:
    """Looks that begin at the same moment, each told in half a second."""
    ear, start = Ear(), threading.Barrier(runs)
    told = ear.channel.send

    def slow(message: Message) -> Sequence[str]:
        threading.Event().wait(0.5)
        return told(message)

    def run() -> None:
        connection = psycopg2.connect(dsn)
        start.wait()
        tell(connection, SETTINGS, [Channel("mail", slow)], MONDAY_9)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ear


def test_looks_at_once_tell_once(world: World, warehouse_dsn: str) -> None:
    refuse(world, "a.xlsx")
    assert len(at_once(world, warehouse_dsn, 3).heard) == 1


def test_without_the_lock_looks_at_once_would_tell_more(
    world: World, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, "a.xlsx")
    look(world)  # noted before, else the second one stops at the unique index
    world.connection.close()
    monkeypatch.setattr(ledger, "lock", lambda connection: None)
    assert len(at_once(world, warehouse_dsn, 3).heard) > 1


SHOW, SILENCE, CLOSE = re.findall(
    r"```sql\n(.*?)```", (REPOSITORY / "docs" / "alerts.md").read_text("utf-8"), re.DOTALL
)


def test_silenced_by_hand_as_the_page_says(world: World) -> None:
    ear = Ear()
    refuse(world, "a.xlsx")
    look(world)
    assert [row[:2] for row in world.do(SHOW)] == [("load_refused", "a.xlsx")]
    world.do(SILENCE)
    look(world, ear, at=MONDAY_9 + RUN)
    world.load("a.xlsx", "published", MONDAY_9)
    look(world, ear, at=MONDAY_9 + 2 * RUN)
    look(world, ear, at=MONDAY_9 + 1.5 * HOUR)
    assert ear.heard == []


def test_report_that_will_never_go_is_closed_as_the_page_says(world: World) -> None:
    ear, next_day = Ear(), MONDAY_9 + 24 * HOUR
    world.subscribe("a@mcu.example")
    look(world, ear, at=MONDAY_9.replace(hour=10))
    assert look(world, ear, at=next_day).standing == 1
    world.do(CLOSE)
    assert look(world, ear, at=next_day + RUN).standing == 0
    assert [[alert.kind for alert in message.new] for message in ear.heard] == [["report_late"]]
    assert ear.heard[0].gone == []


Send = Callable[[Message], Sequence[str]]


@pytest.fixture
def post(mail_server: MailServer) -> Send:
    """Sends for real."""

    def send(message: Message) -> Sequence[str]:
        wire = mail.build(message, "МЦУ <mcu@mcu.example>", SETTINGS.alert_recipients, MONDAY_9)
        client = smtplib.SMTP("127.0.0.1", mail_server.port, timeout=10)
        return mail.send(client, wire, "МЦУ <mcu@mcu.example>", SETTINGS.alert_recipients)

    return send


HOSTILE = "a\r\nBcc: evil@example.org\r\n\r\n<!channel> @all [x](http://evil.example)\u2028.xlsx"


def test_one_mail_to_all_engineers_and_hostile_names_split_no_header(
    world: World, mail_server: MailServer, post: Send
) -> None:
    refuse(world, HOSTILE)
    tell(world.connection, SETTINGS, [Channel("mail", post)], MONDAY_9)
    ((_, received),) = mail_server.accepted
    assert received["To"] == "a@mcu.example, b@mcu.example"
    assert received["Subject"] == "МЦУ: файл отклонён (1)"
    assert set(received) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }
    (line,) = [line for line in received.get_content().splitlines() if "evil" in line]
    assert line.startswith("- a Bcc: evil@example.org <!channel> @all")


@pytest.mark.parametrize("behaviour", ["refuse DATA", "refuse text", "later text", "drop after text"])
def test_mail_that_nobody_had_goes_with_the_next_look(
    world: World, mail_server: MailServer, post: Send, behaviour: str
) -> None:
    mail_server.behaviours = {"b@mcu.example": behaviour}  # type: ignore[dict-item]
    refuse(world, "a.xlsx")
    first = tell(world.connection, SETTINGS, [Channel("mail", post)], MONDAY_9)
    assert [fault.split(":")[0] for fault in first.faults] == ["mail"]
    mail_server.behaviours = {}
    for run in (1, 2):
        assert tell(world.connection, SETTINGS, [Channel("mail", post)], MONDAY_9 + run * RUN).faults == []
    assert len(mail_server.accepted) == 1


def test_engineer_who_is_refused_is_named_and_the_others_have_it_once(
    world: World, mail_server: MailServer, post: Send
) -> None:
    mail_server.behaviours = {"a@mcu.example": "refuse"}
    refuse(world, "a.xlsx")
    first = tell(world.connection, SETTINGS, [Channel("mail", post)], MONDAY_9)
    assert (first.faults, first.refused) == ([], ["a@mcu.example: 550 5.1.1 no such user"])
    assert tell(world.connection, SETTINGS, [Channel("mail", post)], MONDAY_9 + RUN).refused == []
    assert mail_server.recipients() == ["b@mcu.example"]


def test_webhook_gets_what_a_chat_shows_and_what_a_machine_reads(world: World, hook: Hook) -> None:
    refuse(world, HOSTILE)
    channel = Channel("webhook", lambda message: webhook.post(hook.url, message))
    tell(world.connection, SETTINGS, [channel], MONDAY_9)
    (body,) = hook.bodies
    assert set(body) == {"text", "alerts", "gone", "counts"}
    (alert,) = body["alerts"]
    assert set(alert) == {"kind", "what", "triage", "since"}
    assert (alert["kind"], alert["since"][:10]) == ("load_refused", "2026-11-23")
    assert not {"@", "<", ">", "["} & {*body["text"], *alert["what"]}
    assert "a Bcc: evil" in body["text"]


@pytest.mark.parametrize("status", [302, 400, 500])
def test_webhook_that_does_not_take_it_is_tried_again(world: World, hook: Hook, status: int) -> None:
    refuse(world, "a.xlsx")
    channel = Channel("webhook", lambda message: webhook.post(f"{hook.url}/secret", message))
    hook.status = status
    assert tell(world.connection, SETTINGS, [channel], MONDAY_9).faults == [f"webhook: the answer is {status}"]
    hook.status = 204
    assert tell(world.connection, SETTINGS, [channel], MONDAY_9 + RUN).faults == []
    assert tell(world.connection, SETTINGS, [channel], MONDAY_9 + 2 * RUN).faults == []
    assert hook.paths == ["/hooks/secret"] * 2


def test_webhook_that_is_not_there_shows_no_address(world: World) -> None:
    refuse(world, "a.xlsx")
    channel = Channel("webhook", lambda message: webhook.post("http://127.0.0.1:1/secret", message))
    assert tell(world.connection, SETTINGS, [channel], MONDAY_9).faults == ["webhook: ConnectError"]


def test_address_of_a_webhook_stands_in_no_log_and_no_traceback(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    message = Message([ledger.Alert(1, "load_refused", "a.xlsx", "пуст", MONDAY_9)], (), SETTINGS.timezone)
    with caplog.at_level(logging.DEBUG):
        webhook.post(f"{hook.url}/secret", message)
        with pytest.raises(NotToldError) as error:
            webhook.post("http://127.0.0.1:secret/", message)
    assert hook.paths == ["/hooks/secret"]
    assert "secret" not in caplog.text
    assert "Invalid port" not in "".join(traceback.format_exception(error.value))
