"""What the tests ask a stack that runs: its databases, its processes, the mails that it sent."""

from __future__ import annotations

import email.policy
import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, TypeVar

import psutil
import psycopg2

from stack.local import LocalStack

Answer = TypeVar("Answer")


def ask(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of the answer."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def wait_for(question: Callable[[], Answer | None], seconds: float = 240) -> Answer:
    """The first answer that is true; fails if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def waiting_process(dsn: str) -> psutil.Process | None:
    """The process whose session in the database waits for a lock, if there is one."""
    ports = ask(
        dsn,
        "select client_port from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    for connection in psutil.net_connections("tcp"):
        if connection.pid and connection.laddr and (connection.laddr.port,) in ports:
            return psutil.Process(connection.pid)
    return None


def caught_mails(stack: LocalStack) -> list[EmailMessage]:
    """All that the mail catcher holds."""
    api = f"http://127.0.0.1:{stack.choice().ports.mail_page}/api/messages"
    listing = json.loads(_get(f"{api}/"))
    assert listing["meta"]["pages_total"] <= 1
    parser = BytesParser(EmailMessage, policy=email.policy.default)
    return [parser.parsebytes(_get(f"{api}/{message['id']}.eml")) for message in listing["data"]]


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:
        return bytes(response.read())
