"""A delivery in a process of its own, which dies at a chosen step. Forked from this one: the slow imports are done.

A step: a statement or a commit on the connection to the warehouse, a command or a piece of text on its way to the mail
server, an answer waited for. Steps are counted and named in the order in which the process takes them; the product
knows nothing of it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import smtplib
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.reports import ledger, pdf, transport
from mcu.reports.deliver import deliver
from mcu.reports.ledger import Delivery
from mcu.reports.period import Period
from mcu.reports.post import Sender
from mcu.reports.transport import Attempt
from tests.integration.reports.conftest import kept_editions

SECONDS = 120  # for a run
PIECE = 1 << 14  # of text: so that a mail has a middle


@dataclass(frozen=True)
class Ended:
    """`steps` that were taken; whether a SIGKILL ended the process, else whom it named as unknown; its traceback."""

    steps: list[str]
    was_killed: bool
    unknown: list[str]
    error: str


def run(dsn: str, port: int, period: Period, at: int | None = None, defect: Callable[[], None] | None = None) -> Ended:
    """Deliver; about to take step `at`, counted from 0, the process kills itself. `defect` is planted in it."""
    pipe, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _deliver(dsn, port, period, _Steps(write, at), defect)
    os.close(write)
    told, deadline = b"", time.monotonic() + SECONDS
    try:
        # Read to its end: a process that is gone has closed it.
        while select.select([pipe], [], [], deadline - time.monotonic())[0] and (chunk := os.read(pipe, 1 << 16)):
            told += chunk
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise TimeoutError(f"a delivery does not end: {told.decode()}")
    finally:
        os.close(pipe)
        _, status = os.waitpid(pid, 0)
    steps, _, end = told.decode().partition("\0")
    unknown, error = json.loads(end) if end else ([], "")
    return Ended(steps.splitlines(), os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, unknown, error)


def _deliver(dsn: str, port: int, period: Period, steps: _Steps, defect: Callable[[], None] | None) -> NoReturn:
    try:
        if defect:
            defect()
        transport.CHUNK = PIECE
        pdf.render = lambda document: b"%PDF-"  # the typesetter's threads are not there after a fork
        sender = Sender("ЦУР <reports@mcu.example>", lambda: steps.smtp(port))
        with closing(steps.connect(dsn)) as connection:
            outcome = deliver(
                connection, sender, kept_editions(), period, "Ростовская область", ZoneInfo("Europe/Moscow")
            )
        steps.tell("\0" + json.dumps([[mail.recipient for mail in outcome.unknown], ""]))
    except BaseException:
        steps.tell("\0" + json.dumps([[], traceback.format_exc()]))
    finally:
        os._exit(0)


class _Steps:
    """Writes the name of each step into `pipe` once it may be taken, or kills this process."""

    def __init__(self, pipe: int, at: int | None) -> None:
        self._pipe = pipe
        self._at = at
        self._taken = 0

    def tell(self, text: str) -> None:
        os.write(self._pipe, text.encode())

    def take(self, name: str) -> None:
        if self._taken == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._taken += 1
        self.tell(f"{' '.join(name.split())[:100]}\n")

    def connect(self, dsn: str) -> Connection:
        """A connection that takes steps; a commit is named after the last statement before it."""
        steps = self
        last = ""

        class StepCursor(Cursor):
            def execute(self, query: Any, vars: Any = None) -> None:
                nonlocal last
                last = query.decode() if isinstance(query, bytes) else query
                if isinstance(vars, list | tuple) and vars and isinstance(vars[0], str):
                    last = last.replace("%s", vars[0], 1)
                steps.take(last)
                super().execute(query, vars)

        class StepConnection(Connection):
            def __exit__(self, *error: Any) -> None:
                if error[0] is None:
                    steps.take(f"commit: {last}")
                super().__exit__(*error)

        connection: Connection = psycopg2.connect(dsn, connection_factory=StepConnection)
        connection.cursor_factory = StepCursor
        return connection

    def smtp(self, port: int) -> smtplib.SMTP:
        """A client that takes steps; lines of text are not shown in their names."""
        steps = self

        class StepSMTP(smtplib.SMTP):
            def send(self, s: Any) -> None:
                data = s.encode() if isinstance(s, str) else s
                is_command = len(data) < 200 and data.endswith(b"\r\n") and data[:4].isalpha()
                steps.take(f"smtp: {data.decode()}" if is_command else "smtp: a piece of text")
                super().send(s)

            def getreply(self) -> tuple[int, bytes]:
                steps.take("smtp: wait for an answer")
                return super().getreply()

        steps.take("smtp: connect")
        return StepSMTP("127.0.0.1", port, timeout=30)


# Defects to plant


def ledger_is_written_after_the_send() -> None:
    ledger.begin = lambda *_: None


def killed_mails_are_planned_again() -> None:
    def plan_again(connection: Connection, period: Period) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute("update ops.delivery set state = 'planned' where state = 'sending'")

    ledger.give_up_on_killed = plan_again


def mail_is_sent_before_it_is_taken() -> None:
    begin = ledger.begin

    def begin_and_finish(connection: Connection, delivery: Delivery, data_as_of: Any) -> None:
        begin(connection, delivery, data_as_of)
        ledger.finish(connection, delivery, Attempt("sent", "250 surely"))

    ledger.begin = begin_and_finish


def mail_is_sending_from_the_start() -> None:
    real = transport.send

    def begin_first(
        client: smtplib.SMTP, sender: str, recipient: str, mail: bytes, before_text: Callable[[], None]
    ) -> Attempt:
        before_text()
        return real(client, sender, recipient, mail, lambda: None)

    transport.send = begin_first
