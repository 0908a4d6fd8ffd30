"""What a report's PDF and its workbook hold, read back from their bytes and compared with its document."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

from pypdf import PageObject, PdfReader

from mcu.reports import format
from mcu.reports.document import Block, Cell, Column, Document, Line, Piece, Table, Tiles
from mcu.reports.pdf import FOOTER_NAME


def pages(content: bytes) -> list[PageObject]:
    """The pages of a PDF."""
    return list(PdfReader(BytesIO(content)).pages)


def squeezed(text: str) -> str:
    """Without white space, as a line of a document may be several of a page; a letter with its mark is one."""
    return unicodedata.normalize("NFC", "".join(text.split()))


def page_texts(content: bytes) -> list[str]:
    """What each page of a PDF shows, without white space."""
    return [squeezed(page.extract_text()) for page in pages(content)]


def pdf_difference(document: Document, content: bytes) -> str | None:
    """Where the PDF begins to show anything but the document, letter by letter; None if it shows nothing else."""
    expected, texts = squeezed("".join(_shown(document))), page_texts(content)
    headers = ["", *(squeezed("".join(column.title for column in table.columns)) for table in printed_tables(document))]
    name = format.shortened(format.one_line(document.name), FOOTER_NAME)
    for number, text in enumerate(texts, start=1):
        footer = squeezed(f"{name} · {format.one_line(document.dates)} стр. {number} из {len(texts)}")
        if not text.endswith(footer):
            return f"page {number} ends with «{text[-len(footer) :]}»"
        text = text.removesuffix(footer)
        candidates = [text.removeprefix(header) for header in headers if text.startswith(header)]
        going_on = [part for part in candidates if expected.startswith(part)]
        if not going_on:
            return f"page {number}: {_beginnings(text, expected)}"
        expected = expected.removeprefix(going_on[0])
    return f"missing: «{expected[:80]}»" if expected else None


def skeleton(page: str) -> list[tuple[str, ...]]:
    """The elements of a page with the names of their attributes, its comments and declarations, in order."""
    parser = _Skeleton()
    parser.feed(page)
    parser.close()
    return parser.found


class _Skeleton(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.found.append(("declaration", data))

    def handle_pi(self, data: str) -> None:
        self.found.append(("instruction", data))


def active_parts(content: bytes) -> list[str]:
    """What in a workbook would be reckoned, opened or fetched: formulas, links, other files."""
    archive = zipfile.ZipFile(BytesIO(content))
    return [
        f"{name}: {found}"
        for name in archive.namelist()
        for found in re.findall(
            r"<f[ />]|<hyperlink|<definedName[^>]*>=|<ddeLink|TargetMode=.External|externalLink",
            f"{name} {archive.read(name).decode()}",
        )
    ]


def printed_tables(document: Document) -> list[Table]:
    """The tables that mail and PDF show."""
    return [block for block in document.blocks if isinstance(block, Table) and not block.is_for_workbook]


def sheet_values(table: Table, row: list[Cell] | tuple[Cell, ...]) -> list[Piece | None]:
    """What stands in a row of the table's sheet, one a title."""
    return [value for cell, column in zip(row, table.columns, strict=True) for value in _padded(cell, column)]


def _padded(cell: Cell, column: Column) -> list[Piece | None]:
    values = list(cell.values or cell.line[:1])
    return values + [None] * (len(column.in_workbook or (column.title,)) - len(values))


def _shown(document: Document) -> Iterator[str]:
    """Every text of a PDF in its order, but for the footers and the headers that a table repeats."""
    yield from _one_lines(document.heading, document.name, document.dates)
    yield f"Данные на {format.moment(document.as_of, document.timezone)}."
    exports = (f"{format.one_line(name)} — {format.moment(at, document.timezone)}" for name, at in document.freshness)
    yield f"Выгрузки: {'; '.join(exports)}"
    yield from _one_lines(*document.warnings)
    yield from map(document.text, document.sentences)
    for block in document.blocks:
        yield from _shown_of(document, block)
    yield f"Как читать. {format.one_line(document.definitions)}"
    for title, line in document.quality:
        yield f"{format.one_line(title)}: {document.text(line)}"


def _shown_of(document: Document, block: Block) -> Iterator[str]:
    lines = map(document.text, lines_of(document, block))
    if isinstance(block, Tiles):
        yield from lines
    elif not (isinstance(block, Table) and block.is_for_workbook):
        yield format.one_line(block.title)
        yield next(lines)
        if isinstance(block, Table):
            yield from _one_lines(*(column.title for column in block.columns))
        yield from lines


def lines_of(document: Document, block: Block) -> Iterator[Line]:
    """The lines of one block, its note first."""
    return replace(document, sentences=(), blocks=[block], quality=()).shown_lines()


def _one_lines(*texts: str) -> Iterator[str]:
    return map(format.one_line, texts)


def _beginnings(text: str, expected: str) -> str:
    """The first letters that differ, with a few before them."""
    place = next((place for place, (a, b) in enumerate(zip(text, expected, strict=False)) if a != b), 0)
    shown = slice(max(place - 20, 0), place + 40)
    return f"«{text[shown]}» where «{expected[shown]}» was to be"
