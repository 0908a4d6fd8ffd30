"""A mail server that says nothing any more, wherever: what it costs, against a real SMTP session."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from psycopg2.extensions import connection as Connection

from mcu.reports.post import FAILURES_IN_A_ROW
from tests.integration.reports.scripted_smtp import Behaviour, MailServer, Step
from tests.integration.reports.test_delivery import OBLAST, send, states, subscribe

pytestmark = pytest.mark.postgres

TIMEOUT = 0.3


@pytest.fixture
def six(bi: Connection, mail_server: MailServer) -> Connection:
    """Six subscribers, a to f, of a server whose clients are impatient."""
    subscribe(bi, *((f"{name}@mcu.example", "weekly", OBLAST) for name in "abcdef"))
    mail_server.timeout = TIMEOUT
    return bi


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL"])
def test_session_that_hangs_before_a_recipient_is_opened_anew(
    six: Connection, warehouse_dsn: str, mail_server: MailServer, step: Step
) -> None:
    mail_server.hangs = {1: step}
    outcome = send(warehouse_dsn, mail_server)
    assert outcome.gave_up is None
    assert [(mail.recipient, mail.finished_at) for mail in outcome.planned] == [("a@mcu.example", None)]
    assert "timed out" in (outcome.planned[0].server_response or "")
    assert mail_server.sessions == 2

    assert len(send(warehouse_dsn, mail_server).sent) == 6
    assert set(Counter(mail_server.recipients()).values()) == {1}


def test_session_that_hangs_between_two_mails_costs_nothing(
    six: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.hangs = {1: "NOOP"}
    assert len(send(warehouse_dsn, mail_server).sent) == 6
    assert mail_server.sessions == 2


@pytest.mark.parametrize("behaviour", ["hang at RCPT", "hang at DATA"])
def test_recipients_who_hang_before_the_text_stop_nobody_however_many_they_are(
    six: Connection, warehouse_dsn: str, mail_server: MailServer, behaviour: Behaviour
) -> None:
    hanging = [f"{name}@mcu.example" for name in "abcd"]
    mail_server.behaviours = dict.fromkeys(hanging, behaviour)
    outcome = send(warehouse_dsn, mail_server)
    assert [mail.recipient for mail in outcome.planned] == hanging
    assert mail_server.recipients() == ["e@mcu.example", "f@mcu.example"]
    assert len(hanging) > FAILURES_IN_A_ROW

    mail_server.behaviours = {}
    assert len(send(warehouse_dsn, mail_server).sent) == 6
    assert set(Counter(mail_server.recipients()).values()) == {1}


def test_recipient_who_hangs_after_the_text_is_unknown_and_stops_nobody(
    six: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"b@mcu.example": "hang after text"}
    outcome = send(warehouse_dsn, mail_server)
    assert [mail.recipient for mail in outcome.unknown] == ["b@mcu.example"]
    assert len(outcome.sent) == 5

    mail_server.behaviours = {}
    send(warehouse_dsn, mail_server)
    assert states(six)["b@mcu.example"] == "unknown"
    assert "b@mcu.example" not in mail_server.recipients()


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL"])
def test_server_that_hangs_as_a_whole_is_not_waited_for_by_everyone(
    six: Connection, warehouse_dsn: str, mail_server: MailServer, step: Step
) -> None:
    mail_server.hangs = {0: step}
    began = time.monotonic()
    outcome = send(warehouse_dsn, mail_server)
    assert mail_server.sessions == FAILURES_IN_A_ROW
    assert time.monotonic() - began > FAILURES_IN_A_ROW * TIMEOUT
    assert len(outcome.planned) == 6
    assert "timed out" in (outcome.gave_up or "")
    assert [mail.recipient for mail in outcome.planned if mail.server_response is None] == [
        f"{name}@mcu.example" for name in "def"
    ]

    mail_server.hangs = {}
    assert len(send(warehouse_dsn, mail_server).sent) == 6


def test_server_that_always_hangs_after_the_text_does_not_make_everyone_unknown(
    six: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {f"{name}@mcu.example": "hang after text" for name in "abcdef"}
    outcome = send(warehouse_dsn, mail_server)
    assert len(outcome.unknown) == FAILURES_IN_A_ROW
    assert outcome.gave_up is not None

    mail_server.behaviours = {}
    assert len(send(warehouse_dsn, mail_server).sent) == 6 - FAILURES_IN_A_ROW


def test_failures_with_a_success_between_them_are_not_in_a_row(
    six: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    mail_server.behaviours = {f"{name}@mcu.example": "hang after text" for name in "abde"}
    outcome = send(warehouse_dsn, mail_server)
    assert outcome.gave_up is None
    assert (len(outcome.unknown), mail_server.recipients()) == (4, ["c@mcu.example", "f@mcu.example"])


def test_greylisted_mail_goes_at_the_next_try(six: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    mail_server.behaviours = {f"{name}@mcu.example": "greylist" for name in "abcde"}
    outcome = send(warehouse_dsn, mail_server)
    assert {mail.server_response for mail in outcome.planned} == {"450 4.2.0 greylisted, come again"}
    assert (len(outcome.planned), outcome.gave_up) == (5, None)

    assert len(send(warehouse_dsn, mail_server).sent) == 6
    assert set(Counter(mail_server.recipients()).values()) == {1}
