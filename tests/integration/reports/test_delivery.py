"""What becomes of each mail, against a real PostgreSQL and a real SMTP session."""

from __future__ import annotations

import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection

from mcu.reports import ledger, query, transport
from mcu.reports.deliver import EVERYONE, NotSubscribedError, Only, Outcome, deliver
from mcu.reports.format import shown
from mcu.reports.period import Period, holding
from mcu.reports.post import Sender, SenderAddressError
from mcu.reports.query import PeriodNotInMartsError
from tests.integration.reports import hand_made_bi
from tests.integration.reports.conftest import kept_editions
from tests.integration.reports.mail_cells import Marts, cells, html_of
from tests.integration.reports.scripted_smtp import Behaviour, MailServer

pytestmark = pytest.mark.postgres

MOSCOW = ZoneInfo("Europe/Moscow")
WEEK = Period("weekly", date(2026, 11, 16))
SUNDAY = Period("daily", date(2026, 11, 22))
OBLAST, TAGANROG, EMPTY = "oblast", "60737000", "60652000"


def subscribe(connection: Connection, *subscriptions: tuple[str, str, str]) -> None:
    with connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.report_subscription (recipient, report, scope) values (%s, %s, %s)", subscriptions
        )


def send(dsn: str, server: MailServer, period: Period = WEEK, only: Only = EVERYONE) -> Outcome:
    """One try, in a connection of its own like a task's."""
    with closing(psycopg2.connect(dsn)) as connection:
        sender = Sender("ЦУР области <reports@mcu.example>", server.open_session)
        return deliver(connection, sender, kept_editions(), period, "Ростовская область", MOSCOW, only)


def states(connection: Connection) -> dict[str, str]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select recipient, state from ops.delivery")
        return dict(cursor.fetchall())


@pytest.fixture
def three(bi: Connection) -> Connection:
    """Three subscribers of the weekly report; b is the one that trouble comes to."""
    scopes = {"a@mcu.example": OBLAST, "b@mcu.example": OBLAST, "c@mcu.example": TAGANROG}
    subscribe(bi, *((recipient, "weekly", scope) for recipient, scope in scopes.items()))
    return bi


@pytest.mark.parametrize("period", [WEEK, SUNDAY], ids=["weekly", "daily"])
def test_every_number_of_every_mail_is_the_one_in_bi(
    bi: Connection, warehouse_dsn: str, mail_server: MailServer, period: Period
) -> None:
    scopes = [OBLAST, TAGANROG, EMPTY, "60000000"]
    subscribe(bi, *((f"{scope}@mcu.example", period.report, scope) for scope in scopes))
    send(warehouse_dsn, mail_server, period)

    assert len(mail_server.accepted) == len(scopes)
    with bi.cursor() as cursor:
        marts = Marts(cursor)
        for recipient, mail in mail_server.accepted:
            found = cells(html_of(mail))
            assert len(found) > 25, f"{recipient}: only {len(found)} numbers"
            for cell in found:
                value = marts.value(cell.path)
                assert cell.value == ("" if value is None else repr(value)), cell
                assert cell.text == shown(cell.column, value), cell


def test_mail_has_one_recipient_plain_text_and_pictures(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    send(warehouse_dsn, mail_server)

    recipient, mail = mail_server.accepted[0]
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (recipient, None, None)
    assert mail["From"] == "ЦУР области <reports@mcu.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] in (
        "Недельный отчёт: обращения жителей, Таганрог, 16–22 ноября 2026",
        "Недельный отчёт: обращения жителей, Ростовская область, 16–22 ноября 2026",
    )
    assert mail.get_content_type() == "multipart/mixed"
    body, *files = mail.iter_parts()
    assert [(file.get_filename() or "").rpartition(".")[2] for file in files] == ["pdf", "xlsx"]
    assert files[0].get_content().startswith(b"%PDF-")
    assert files[1].get_content().startswith(b"PK")
    assert body.get_content_type() == "multipart/alternative"
    text, related = body.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert "За неделю поступило" in text.get_content()
    assert related.get_content_type() == "multipart/related"
    _, *pictures = related.iter_parts()
    assert len(pictures) >= 2
    html = html_of(mail)
    for picture in pictures:
        assert picture.get_content().startswith(b"\x89PNG\r\n\x1a\n")
        assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html


def test_hostile_names_stay_text(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    send(warehouse_dsn, mail_server)

    for _, mail in mail_server.accepted:
        html = html_of(mail)
        assert "<script>alert" not in html
        assert "&lt;b&gt;" in html
        assert "{{ 7*7 }}" in html
        assert "other@example.org" not in str(mail.items())


def test_whoever_comes_later_reads_the_numbers_that_the_others_read(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"b@mcu.example": "later", "c@mcu.example": "later"}
    send(warehouse_dsn, mail_server)
    with three, three.cursor() as cursor:
        cursor.execute("update bi.rpt_weekly_region set received = 4242 where source = 'all'")
        cursor.execute("update bi.rpt_weekly_municipality set received = 4242 where source = 'all'")
    mail_server.behaviours = {}
    send(warehouse_dsn, mail_server)

    read = {recipient: "4\N{NO-BREAK SPACE}242" in html_of(mail) for recipient, mail in mail_server.accepted}
    assert read == {"a@mcu.example": False, "b@mcu.example": False, "c@mcu.example": True}, "nobody had c's before"


def test_edition_of_another_warehouse_is_not_sent(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    send(warehouse_dsn, mail_server)
    with three, three.cursor() as cursor:
        cursor.execute("truncate ops.delivery")
        cursor.execute("update bi.rpt_weekly_region set received = 4242 where source = 'all'")
    mail_server.accepted.clear()
    send(warehouse_dsn, mail_server)
    mails = dict(mail_server.accepted)
    assert "4\N{NO-BREAK SPACE}242" in html_of(mails["a@mcu.example"])


def test_second_run_sends_nothing(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    send(warehouse_dsn, mail_server)
    outcome = send(warehouse_dsn, mail_server)

    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example", "c@mcu.example"]
    assert len(outcome.sent) == 3


@pytest.mark.parametrize("behaviour", ["refuse", "refuse text"])
def test_one_refused_recipient_stops_nobody_else(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, behaviour: Behaviour
) -> None:
    mail_server.behaviours = {"b@mcu.example": behaviour}
    send(warehouse_dsn, mail_server)
    mail_server.behaviours = {}
    send(warehouse_dsn, mail_server)

    assert states(three) == {"a@mcu.example": "sent", "b@mcu.example": "refused", "c@mcu.example": "sent"}
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "c@mcu.example"]
    with three.cursor() as cursor:
        cursor.execute("select server_response from ops.delivery where state = 'refused'")
        assert cursor.fetchone()[0].startswith("55")  # type: ignore[index]


@pytest.mark.parametrize("behaviour", ["later", "later text", "refuse DATA", "drop at RCPT", "drop at DATA"])
def test_what_has_surely_not_gone_is_tried_again(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, behaviour: Behaviour
) -> None:
    mail_server.behaviours = {"b@mcu.example": behaviour}
    outcome = send(warehouse_dsn, mail_server)
    assert [delivery.recipient for delivery in outcome.planned] == ["b@mcu.example"]
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "c@mcu.example"]

    mail_server.behaviours = {}
    send(warehouse_dsn, mail_server)
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example", "c@mcu.example"]
    assert set(states(three).values()) == {"sent"}


def test_sender_refused_by_the_server_is_nobodys_refusal(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.reply_to_mail = "530 5.7.0 authentication required"
    outcome = send(warehouse_dsn, mail_server)
    assert {mail.recipient: mail.server_response for mail in outcome.planned} == dict.fromkeys(
        ["a@mcu.example", "b@mcu.example", "c@mcu.example"], "530 5.7.0 authentication required"
    )
    assert (mail_server.accepted, outcome.refused) == ([], [])

    mail_server.reply_to_mail = "250 ok"
    assert len(send(warehouse_dsn, mail_server).sent) == 3


def test_any_2xx_to_the_text_means_sent(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    mail_server.behaviours = {"b@mcu.example": "take otherwise"}
    assert len(send(warehouse_dsn, mail_server).sent) == 3
    send(warehouse_dsn, mail_server)
    assert mail_server.recipients().count("b@mcu.example") == 1


@pytest.mark.parametrize("behaviour", ["drop after text", "babble", "odd code"])
def test_text_without_an_answer_that_can_be_understood_is_unknown_and_never_sent_again(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, behaviour: Behaviour
) -> None:
    mail_server.behaviours = {"a@mcu.example": behaviour}
    outcome = send(warehouse_dsn, mail_server)
    assert [delivery.recipient for delivery in outcome.unknown] == ["a@mcu.example"]
    assert {"b@mcu.example", "c@mcu.example"} <= set(mail_server.recipients())
    assert mail_server.sessions == 2, "what the server says next in this session might answer something else"

    mail_server.behaviours = {}
    outcome = send(warehouse_dsn, mail_server)
    assert [delivery.recipient for delivery in outcome.unknown] == ["a@mcu.example"], "named until somebody settles it"
    assert [recipient for recipient, _ in mail_server.read].count("a@mcu.example") == 1


def test_mail_of_a_killed_process_is_unknown(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    mail_server.behaviours = {"b@mcu.example": "later"}
    send(warehouse_dsn, mail_server)
    with three, three.cursor() as cursor:
        cursor.execute("update ops.delivery set state = 'sending' where recipient = 'b@mcu.example'")

    mail_server.behaviours = {}
    outcome = send(warehouse_dsn, mail_server)
    assert [delivery.recipient for delivery in outcome.unknown] == ["b@mcu.example"]
    assert "b@mcu.example" not in mail_server.recipients()


def test_ledger_is_written_before_the_send(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    seen = []

    def open_session() -> None:
        seen.append(states(three))
        raise ConnectionRefusedError("no mail server")

    with closing(psycopg2.connect(warehouse_dsn)) as connection:
        sender = Sender("reports@mcu.example", open_session)  # type: ignore[arg-type]
        outcome = deliver(connection, sender, kept_editions(), WEEK, "Ростовская область", MOSCOW)
    assert outcome.gave_up == "ConnectionRefusedError: no mail server"
    assert len(outcome.planned) == 3

    assert seen == [dict.fromkeys(["a@mcu.example", "b@mcu.example", "c@mcu.example"], "planned")] * 3
    send(warehouse_dsn, mail_server)
    assert len(mail_server.accepted) == 3


def test_state_is_sending_from_before_the_text_on(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = transport._send_text

    def spy(client: smtplib.SMTP, text: bytes) -> None:
        seen.append(sorted(states(three).values()))
        real(client, text)

    monkeypatch.setattr(transport, "_send_text", spy)
    send(warehouse_dsn, mail_server)
    assert seen == [["planned", "planned", "sending"], ["planned", "sending", "sent"], ["sending", "sent", "sent"]]


def test_server_that_hangs_up_between_mails_costs_nothing(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.mails_a_session = 1
    outcome = send(warehouse_dsn, mail_server)

    assert len(outcome.sent) == 3
    assert mail_server.sessions == 3


def test_address_that_could_smuggle_a_command_is_refused_by_us(
    bi: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    subscribe(bi, ("x@mcu.example>\r\nDATA", "weekly", OBLAST), ("a@mcu.example", "weekly", TAGANROG))
    outcome = send(warehouse_dsn, mail_server)

    assert len(outcome.refused) == 1
    assert mail_server.recipients() == ["a@mcu.example"]


def test_subscription_to_no_municipality_is_named_and_stops_nobody(
    bi: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    subscribe(bi, ("a@mcu.example", "weekly", "99999999"), ("b@mcu.example", "weekly", TAGANROG))
    outcome = send(warehouse_dsn, mail_server)

    assert outcome.unknown_scopes == ["99999999"]
    assert mail_server.recipients() == ["b@mcu.example"]


def test_subscription_that_has_ended_gets_nothing(bi: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    subscribe(bi, ("a@mcu.example", "weekly", OBLAST), ("b@mcu.example", "weekly", OBLAST))
    with bi, bi.cursor() as cursor:
        cursor.execute(
            "update ops.report_subscription set valid_from = current_date - 9, valid_to = current_date - 1"
            " where recipient = 'b@mcu.example'"
        )
    send(warehouse_dsn, mail_server)

    assert mail_server.recipients() == ["a@mcu.example"]


def test_subscription_that_ends_before_a_retry_gets_nothing(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"b@mcu.example": "later"}
    send(warehouse_dsn, mail_server)
    with three, three.cursor() as cursor:
        cursor.execute(
            "update ops.report_subscription set valid_from = current_date - 9, valid_to = current_date - 1"
            " where recipient = 'b@mcu.example'"
        )
    mail_server.behaviours = {}
    outcome = send(warehouse_dsn, mail_server)

    assert sorted(mail_server.recipients()) == ["a@mcu.example", "c@mcu.example"]
    assert outcome.planned == []


def test_municipality_that_goes_before_a_retry_stops_nobody(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"b@mcu.example": "later", "c@mcu.example": "later"}
    send(warehouse_dsn, mail_server)
    with three, three.cursor() as cursor:
        for table in (name for name, columns in hand_made_bi.TABLES.items() if "oktmo text" in columns):
            cursor.execute(f"delete from bi.{table} where oktmo = %s", [TAGANROG])
    mail_server.behaviours = {}
    outcome = send(warehouse_dsn, mail_server)

    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example"]
    assert (outcome.planned, outcome.unknown_scopes) == ([], [TAGANROG])


@pytest.mark.parametrize(
    ("only", "recipients"),
    [
        (Only(scope=TAGANROG), {"c@mcu.example"}),
        (Only(recipient="b@mcu.example"), {"b@mcu.example"}),
        (Only(OBLAST, "a@mcu.example"), {"a@mcu.example"}),
    ],
)
def test_try_for_some_plans_and_sends_theirs_alone(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, only: Only, recipients: set[str]
) -> None:
    assert {mail.recipient for mail in send(warehouse_dsn, mail_server, only=only).sent} == recipients
    assert states(three) == dict.fromkeys(recipients, "sent")

    assert len(send(warehouse_dsn, mail_server).sent) == 3
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example", "c@mcu.example"]


def test_newcomer_gets_a_period_that_went_to_the_others(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"a@mcu.example": "drop after text", "b@mcu.example": "refuse"}
    send(warehouse_dsn, mail_server)
    subscribe(three, ("new@mcu.example", "weekly", TAGANROG))
    outcome = send(warehouse_dsn, mail_server, only=Only(recipient="new@mcu.example"))
    assert mail_server.recipients() == ["c@mcu.example", "new@mcu.example"]
    assert [mail.recipient for mail in outcome.sent] == ["new@mcu.example"]
    assert (outcome.unknown, outcome.refused) == ([], []), "others' faults were told by the run that met them"


@pytest.mark.parametrize("only", [Only(recipient="x@mcu.example"), Only(scope=EMPTY), Only(TAGANROG, "a@mcu.example")])
def test_try_for_somebody_who_is_not_subscribed_names_them(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, only: Only
) -> None:
    named = f"recipient {only.recipient or 'any'} and scope {only.scope or 'any'}"
    with pytest.raises(NotSubscribedError, match=f"weekly report has {named}"):
        send(warehouse_dsn, mail_server, only=only)
    assert (states(three), mail_server.sessions) == ({}, 0)


@pytest.mark.parametrize(
    "address", ["", "цур@mcu.example", "reports", "a@mcu.example, b@mcu.example", "ЦУР\r\nBcc: <a@mcu.example>"]
)
def test_bad_sender_plans_and_opens_nothing(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, address: str
) -> None:
    with (
        closing(psycopg2.connect(warehouse_dsn)) as connection,
        pytest.raises(SenderAddressError, match="from_email is no mail address"),
    ):
        deliver(
            connection, Sender(address, mail_server.open_session), kept_editions(), WEEK, "Ростовская область", MOSCOW
        )
    assert states(three) == {}
    assert mail_server.sessions == 0


def test_second_of_two_at_once_waits_for_the_first(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    with closing(psycopg2.connect(warehouse_dsn)) as first, ThreadPoolExecutor(1) as pool:
        ledger.lock(first, WEEK)
        second = pool.submit(send, warehouse_dsn, mail_server)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        assert states(three) == {}
        first.close()
        assert len(second.result(timeout=60).sent) == 3
    assert len(mail_server.accepted) == 3


def test_wait_for_another_delivery_has_an_end(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOCK_WAIT", "100ms")
    with closing(psycopg2.connect(warehouse_dsn)) as other:
        ledger.lock(other, WEEK)
        with pytest.raises(ledger.DeliveryRunningError, match="weekly report of 2026-11-16"):
            send(warehouse_dsn, mail_server)
    send(warehouse_dsn, mail_server)
    assert len(mail_server.accepted) == 3


def test_report_waits_while_the_marts_are_exchanged(
    three: Connection, warehouse_dsn: str, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(psycopg2.connect(warehouse_dsn)) as publisher:
        publisher.cursor().execute("lock table bi.rpt_weekly_topic in access exclusive mode")
        monkeypatch.setattr(query, "LOCK_ATTEMPTS", 1)
        with pytest.raises(LockNotAvailable):
            send(warehouse_dsn, mail_server)

        monkeypatch.setattr(query, "LOCK_ATTEMPTS", 2)
        monkeypatch.setattr(time, "sleep", lambda _: publisher.rollback())
        send(warehouse_dsn, mail_server)
    assert len(mail_server.accepted) == 3


def test_period_that_the_marts_do_not_have_is_refused(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    with pytest.raises(PeriodNotInMartsError):
        send(warehouse_dsn, mail_server, Period("weekly", date(2025, 11, 17)))
    assert states(three) == {}


def test_message_id_is_the_same_in_the_ledger_and_in_the_mail(
    three: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    send(warehouse_dsn, mail_server)
    with three.cursor() as cursor:
        cursor.execute("select recipient, message_id from ops.delivery")
        in_ledger = dict(cursor.fetchall())
    assert {recipient: mail["Message-ID"] for recipient, mail in mail_server.accepted} == in_ledger


def test_period_is_held_once_every_enabled_source_reaches_its_end(bi: Connection) -> None:
    newest = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert holding(bi, newest).is_whole
    assert not holding(bi, newest + timedelta(seconds=1)).is_whole

    with bi.cursor() as cursor:
        cursor.execute("update bi.dim_source set newest_exported_at = null where source = 'pos'")
        assert not holding(bi, newest).is_whole
        cursor.execute("update bi.dim_source set is_enabled = false where source = 'pos'")
        assert holding(bi, newest).is_whole
        cursor.execute("delete from bi.dim_source")
        assert not holding(bi, newest).is_whole


def test_nothing_is_held_before_the_first_build(warehouse: Connection) -> None:
    assert not holding(warehouse, datetime(2026, 11, 23, tzinfo=UTC)).is_whole
