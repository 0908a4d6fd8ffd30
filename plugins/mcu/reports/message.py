"""One mail to one recipient: short plain text, or HTML with its charts inside; then the files that go with it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from mcu.reports.period import Period
from mcu.reports.render import Rendered


class _OneWord(UnstructuredHeader, BaseHeader):
    """A header that stays on its line: the library turns a long word into encoded words, which no reader undoes."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _headers() -> HeaderRegistry:
    registry = HeaderRegistry()
    registry.map_to_type("List-Unsubscribe", _OneWord)
    return registry


# Seven bits: a server need not take eight, and ours is not asked whether it does.
_POLICY = SMTP.clone(header_factory=_headers(), cte_type="7bit")


def message_id(period: Period, scope: str, recipient: str, revision: int, sender: str) -> str:
    """The same for the same mail, however often it is made; tells nothing of the recipient."""
    of_recipient = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{period.report}.{period.start:%Y-%m-%d}.{scope}.r{revision}.{of_recipient}@{domain}>"


def unsubscribe(period: Period, scope: str, address: str) -> str:
    """`List-Unsubscribe`: a mail to `address`, whose subject says from what; the sender is whom it is about."""
    subject = f"Отписка от отчёта: {period.report}, {scope}"
    return f"<mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}>"


def build(
    rendered: Rendered,
    sender: str,
    recipient: str,
    message_id: str,
    sent_at: datetime,
    *,
    reply_to: str | None = None,
    list_unsubscribe: str | None = None,
) -> bytes:
    """The mail as it goes over the wire. Raises ValueError for a header value of more than one line.

    Attachments with Russian names have them as RFC 2231 wants it, which Outlook and Gmail understand.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    if reply_to:
        message["Reply-To"] = reply_to
    message["To"] = recipient
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    if list_unsubscribe:
        message["List-Unsubscribe"] = list_unsubscribe
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    for content_id, png in rendered.images.items():
        name = f"{content_id.partition('@')[0]}.png"
        html.add_related(png, "image", "png", cid=f"<{content_id}>", filename=name, disposition="inline")
    for attachment in rendered.attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype, subtype, filename=attachment.name)
    return message.as_bytes()
