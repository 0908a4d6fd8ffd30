"""One mail through one SMTP session, step by step, so that it is always known how far it got."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Fate = Literal["sent", "refused", "planned", "unknown"]
Stage = Literal["session", "recipient", "text"]
CHUNK = 1 << 16


@dataclass(frozen=True)
class Attempt:
    """What became of one mail: `planned` means that it has surely not gone and may be tried again.

    `broke_at`: where the session broke, if it did: before the recipient was named, over the recipient, or after
    the text had begun.
    """

    fate: Fate
    words: str
    broke_at: Stage | None = None


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


def words_of(error: Exception) -> str:
    """What went wrong with a session: the server's words if it said any."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def send(client: smtplib.SMTP, sender: str, recipient: str, mail: bytes, before_text: Callable[[], None]) -> Attempt:
    """Hand `mail` to one recipient; the addresses are bare.

    Only a 5xx to the recipient's address or to the text refuses the mail: one to MAIL or DATA is about us, and
    like a refusal for now (4xx) leaves it planned. A session that broke, or whose server said what cannot be
    understood, is closed; one with a refusal in it can be used again.

    `before_text` is called when the server waits for the text and has nothing of it. What it raises is passed on;
    the mail has then not gone.
    """
    stage: Stage = "session"
    try:
        client.ehlo_or_helo_if_needed()
        _expect(client.mail(sender), 2, on_5xx="planned")
        stage = "recipient"
        _expect(client.rcpt(recipient), 2, on_5xx="refused")
        _expect(client.docmd("DATA"), 3, on_5xx="planned")
        before_text()
        stage = "text"
        _send_text(client, _dot_stuffed(mail) + b".\r\n")
        return Attempt("sent", _expect(client.getreply(), 2, on_5xx="refused", on_nonsense="unknown"))
    except _RepliedError as reply:
        if reply.code // 100 in (4, 5):
            _reset(client)
            return reply.attempt
        client.close()
        return replace(reply.attempt, broke_at=stage)
    except (OSError, smtplib.SMTPException) as error:
        client.close()
        return Attempt("unknown" if stage == "text" else "planned", words_of(error), stage)
    except BaseException:
        # Not to be parted from politely: the server would take the goodbye for text.
        client.close()
        raise


def _send_text(client: smtplib.SMTP, text: bytes) -> None:
    # In pieces, since the time-out is for each call: a slow line may take longer for the whole.
    for start in range(0, len(text), CHUNK):
        client.send(text[start : start + CHUNK])


def _expect(reply: tuple[int, bytes], hundreds: int, *, on_5xx: Fate, on_nonsense: Fate = "planned") -> str:
    """The reply's words if its code begins with `hundreds`; smtplib gives a line without a code the code -1."""
    code, words = reply
    text = _text(code, words)
    if code // 100 != hundreds:
        fates: dict[int, Fate] = {4: "planned", 5: on_5xx}
        raise _RepliedError(code, Attempt(fates.get(code // 100, on_nonsense), text))
    return text


def _text(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"


def _dot_stuffed(mail: bytes) -> bytes:
    ending = b"" if mail.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", mail) + ending


def _reset(client: smtplib.SMTP) -> None:
    """Clear the refused mail out of the session; a session that cannot be cleared is closed."""
    try:
        client.rset()
    except (OSError, smtplib.SMTPException):
        client.close()
