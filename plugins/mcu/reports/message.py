"""One mail to one recipient: short plain text, or HTML with its charts inside."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from mcu.reports.period import Period
from mcu.reports.render import Rendered


def message_id(period: Period, scope: str, recipient: str, revision: int, sender: str) -> str:
    """The same for the same mail, however often it is made; tells nothing of the recipient."""
    of_recipient = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{period.report}.{period.start:%Y-%m-%d}.{scope}.r{revision}.{of_recipient}@{domain}>"


def build(rendered: Rendered, sender: str, recipient: str, message_id: str, sent_at: datetime) -> bytes:
    """The mail as it goes over the wire. Raises ValueError for a header value of more than one line."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    for content_id, png in rendered.images.items():
        name = f"{content_id.partition('@')[0]}.png"
        html.add_related(png, "image", "png", cid=f"<{content_id}>", filename=name, disposition="inline")
    return message.as_bytes()
