"""One mail through one SMTP session, step by step, so that it is always known how far it got."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from typing import Literal

Fate = Literal["sent", "refused", "planned", "unknown"]


@dataclass(frozen=True)
class Attempt:
    """What became of one mail: `planned` means that it has surely not gone and may be tried again."""

    fate: Fate
    words: str


class _RepliedError(Exception):
    """The server answered a step with a refusal, so the session goes on."""

    def __init__(self, code: int, reply: bytes) -> None:
        self.code = code
        super().__init__(f"{code} {reply.decode('utf-8', 'replace')}")


def is_alive(client: smtplib.SMTP) -> bool:
    """False for a session that was closed, by us or by a server that tired of waiting."""
    try:
        return client.sock is not None and client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def send(client: smtplib.SMTP, sender: str, recipient: str, mail: bytes) -> Attempt:
    """Hand `mail` to one recipient; the addresses are bare. A refusal for now (4xx) leaves it planned.

    A session that broke is closed, one with a refusal in it can be used again.
    """
    is_data_begun = False
    try:
        client.ehlo_or_helo_if_needed()
        _expect(client.mail(sender), 250)
        _expect(client.rcpt(recipient), 250, 251)
        _expect(client.docmd("DATA"), 354)
        is_data_begun = True
        client.send(_dot_stuffed(mail) + b".\r\n")
        return Attempt("sent", _expect(client.getreply(), 250))
    except _RepliedError as refusal:
        _reset(client)
        return Attempt("planned" if refusal.code < 500 else "refused", str(refusal))
    except (OSError, smtplib.SMTPException) as error:
        client.close()
        return Attempt("unknown" if is_data_begun else "planned", f"{type(error).__name__}: {error}")


def _expect(reply: tuple[int, bytes], *codes: int) -> str:
    code, words = reply
    if code not in codes:
        raise _RepliedError(code, words)
    return f"{code} {words.decode('utf-8', 'replace')}"


def _dot_stuffed(mail: bytes) -> bytes:
    ending = b"" if mail.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", mail) + ending


def _reset(client: smtplib.SMTP) -> None:
    """Clear the refused mail out of the session; a session that cannot be cleared is closed."""
    try:
        client.rset()
    except (OSError, smtplib.SMTPException):
        client.close()
