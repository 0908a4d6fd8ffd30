"""One edition as a mail: the document in each of its forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcu.reports import format, html
from mcu.reports.document import Document


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; `media_type` as in «application/pdf»."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Rendered:
    """A mail without addresses: `images` are PNGs by the content id that `html` refers to."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes]
    attachments: Sequence[Attachment] = ()


def render(document: Document) -> Rendered:
    """The mail of one edition."""
    return Rendered(
        subject=document.subject,
        text=_text(document),
        html=html.render(document),
        images={html.content_id(picture.name): picture.png for picture in document.pictures},
    )


def _text(document: Document) -> str:
    """The short plain part for readers without HTML."""
    lines = [
        document.heading,
        f"{document.name}, {document.dates}",
        f"Данные на {format.moment(document.as_of, document.timezone)}",
        *document.warnings,
        "",
        *map(document.text, document.sentences),
        "",
        "Таблицы и графики — в HTML-части этого письма и в приложенных файлах.",
    ]
    return "\n".join(lines)
