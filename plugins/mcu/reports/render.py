"""One edition as a mail: the document in each of its forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcu.reports import format, html, pdf, workbook
from mcu.reports.document import Document

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
    """The mail of one edition, with the same as PDF and as a workbook."""
    return Rendered(
        subject=document.subject,
        text=_text(document),
        html=html.render(document),
        images={html.content_id(picture.name): picture.png for picture in document.pictures},
        attachments=[
            Attachment(f"{_file_name(document)}.pdf", "application/pdf", pdf.render(document)),
            Attachment(f"{_file_name(document)}.xlsx", XLSX, workbook.render(document)),
        ],
    )


def _file_name(document: Document) -> str:
    """«Недельный отчёт 2026-11-16, Таганрог», which every file system takes."""
    place = re.sub(r"[^\w .()-]", "_", format.short_municipality(document.name))[:60].strip(" .")
    mark = f", версия {document.revision}" if document.revision > 1 else ""
    return f"{format.REPORTS[document.period.report]} {document.period.start:%Y-%m-%d}, {place}{mark}"


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
