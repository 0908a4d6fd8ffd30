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
    """The server answered a step, but not with the go-ahead."""

    def __init__(self, code: int, attempt: Attempt) -> None:
        self.code = code
        self.attempt = attempt
        super().__init__(attempt.words)


def is_alive(client: smtplib.SMTP) -> bool:
    """False for a session that was closed, by us or by a server that tired of waiting."""
    try:
        return client.sock is not None and client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def send(client: smtplib.SMTP, sender: str, recipient: str, mail: bytes) -> Attempt:
    """Hand `mail` to one recipient; the addresses are bare.

    Only a 5xx to the recipient's address or to the text refuses the mail: one to MAIL or DATA is about us, and
    like a refusal for now (4xx) leaves it planned. A session that broke, or whose server said what cannot be
    understood, is closed; one with a refusal in it can be used again.
    """
    is_text_begun = False
    try:
        client.ehlo_or_helo_if_needed()
        _expect(client.mail(sender), 2, on_5xx="planned")
        _expect(client.rcpt(recipient), 2, on_5xx="refused")
        _expect(client.docmd("DATA"), 3, on_5xx="planned")
        is_text_begun = True
        client.send(_dot_stuffed(mail) + b".\r\n")
        return Attempt("sent", _expect(client.getreply(), 2, on_5xx="refused", on_nonsense="unknown"))
    except _RepliedError as reply:
        if reply.code // 100 in (4, 5):
            _reset(client)
        else:
            client.close()
        return reply.attempt
    except (OSError, smtplib.SMTPException) as error:
        client.close()
        return Attempt("unknown" if is_text_begun else "planned", f"{type(error).__name__}: {error}")


def _expect(reply: tuple[int, bytes], hundreds: int, *, on_5xx: Fate, on_nonsense: Fate = "planned") -> str:
    """The reply's words if its code begins with `hundreds`; smtplib gives a line without a code the code -1."""
    code, words = reply
    text = f"{code} {words.decode('utf-8', 'replace')}"
    if code // 100 != hundreds:
        fates: dict[int, Fate] = {4: "planned", 5: on_5xx}
        raise _RepliedError(code, Attempt(fates.get(code // 100, on_nonsense), text))
    return text


def _dot_stuffed(mail: bytes) -> bytes:
    ending = b"" if mail.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", mail) + ending


def _reset(client: smtplib.SMTP) -> None:
    """Clear the refused mail out of the session; a session that cannot be cleared is closed."""
    try:
        client.rset()
    except (OSError, smtplib.SMTPException):
        client.close()
