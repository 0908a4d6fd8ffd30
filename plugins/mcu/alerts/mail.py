"""The message as one mail to all engineers."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from mcu.alerts.message import Message
from mcu.alerts.tell import NotToldError


def build(message: Message, sender: str, recipients: Sequence[str], sent_at: datetime) -> bytes:
    """The mail as it goes over the wire; plain text."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail.as_bytes()


def send(client: smtplib.SMTP, mail: bytes, sender: str, recipients: Sequence[str]) -> list[str]:
    """Hand the mail to the server; `sender` is bare. Returns those whom it does not take it for, if others had it.

    Raises NotToldError if nobody had it, or if that cannot be known.
    """
    try:
        refused = client.sendmail(sender, recipients, mail)
    except (OSError, smtplib.SMTPException) as error:
        raise NotToldError(f"mail: {type(error).__name__}: {error}") from error
    with suppress(OSError, smtplib.SMTPException):  # it has the mail: how it says goodbye means nothing
        client.quit()
    return [f"{recipient}: {code} {words.decode('utf-8', 'replace')}" for recipient, (code, words) in refused.items()]
