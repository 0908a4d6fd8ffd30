"""What HTML, PDF and workbook of one edition tell otherwise than schema `bi`, each read back from what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import zip_longest
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook

from mcu.reports import html, pdf, workbook
from mcu.reports.document import Document, Line, Number, Piece, Table, Tiles, Words
from mcu.reports.format import shown
from tests.integration.reports.mail_cells import Marts, cells
from tests.report_forms import pdf_difference, printed_tables, sheet_values


@dataclass(frozen=True)
class Forms:
    """One edition in its three forms."""

    html: str
    pdf: bytes
    xlsx: bytes

    @classmethod
    def of(cls, document: Document) -> Forms:
        return cls(html.render(document), pdf.render(document), workbook.render(document))


def differences(document: Document, forms: Forms, marts: Marts) -> list[str]:
    """What any of the forms of `document` tells otherwise; empty if all are equal to the marts.

    The mail's numbers are the marts', and are those of the document's lines, in order; the PDF's text is exactly those
    lines; the workbook's cells are the marts'.
    """
    in_pdf = pdf_difference(document, forms.pdf)
    return [
        *(f"HTML: {one}" for one in _of_html(document, forms.html, marts)),
        *([f"PDF: {in_pdf}"] if in_pdf else []),
        *(f"XLSX: {one}" for one in _of_workbook(document, forms.xlsx, marts)),
    ]


def shown_numbers(document: Document) -> list[Number]:
    """The numbers that mail and PDF show, in their order."""
    return [piece for line in document.shown_lines() for piece in _numbers(line)]


def sheet_numbers(document: Document) -> list[Number]:
    """The numbers that the tables' sheets hold."""
    tables = (block for block in document.blocks if isinstance(block, Table))
    return [number for table in tables for row in table.rows for number in _numbers(sheet_values(table, list(row)))]


def _of_html(document: Document, page: str, marts: Marts) -> Iterator[str]:
    found = cells(page)
    for cell, number in zip_longest(found, shown_numbers(document)):
        if cell is None or number is None or (cell.path, cell.text) != (number.path, number.text):
            yield f"{cell} where the document has {number}"
            return
    for cell in found:
        value = marts.value(cell.path)
        if cell.value != ("" if value is None else repr(value)) or cell.text != shown(cell.column, value):
            yield f"{cell}, bi has {value!r}"


def _of_workbook(document: Document, content: bytes, marts: Marts) -> Iterator[str]:
    book = openpyxl.load_workbook(BytesIO(content))
    for table in document.blocks:
        if isinstance(table, Table):
            yield from _of_sheet(book, table, marts)
    yield from _of_words(document, book, marts)
    in_tables = {
        number.path
        for table in printed_tables(document)
        for row in table.rows
        for cell in row
        for line in (cell.line, *cell.below)
        for number in _numbers(line)
    }
    yield from (f"no cell of {path}" for path in in_tables - {number.path for number in sheet_numbers(document)})


def _of_sheet(book: Workbook, table: Table, marts: Marts) -> Iterator[str]:
    _, *rows = book[table.name].values
    expected = [[_in_cell(piece, marts) for piece in sheet_values(table, list(row))] for row in table.rows]
    for place, (row, values) in enumerate(zip_longest(rows, expected, fillvalue=()), start=2):
        for found, value in zip_longest(row, values):
            is_same = found == value and type(found) in (int, float)
            if (_is_number(found) or _is_number(value)) and not is_same:
                yield f"{table.name}, row {place}: {found!r}, bi has {value!r}"


def _of_words(document: Document, book: Workbook, marts: Marts) -> Iterator[str]:
    """The sheets of words: headline numbers as numbers, all others in their sentences."""
    lines: list[Line] = [*document.sentences]
    tiles: list[Number] = []
    for block in document.blocks:
        if isinstance(block, Tiles):
            tiles += [tile.number for tile in block.items]
            lines += [tile.below for tile in block.items]
        elif isinstance(block, Words):
            lines += block.lines
    notes = [block.note for block in document.blocks if isinstance(block, Table)]
    yield from _missing(document, book[workbook.SUMMARY], lines)
    yield from _missing(document, book[workbook.READING], [*notes, *(line for _, line in document.quality)])
    found = [value for row in book[workbook.SUMMARY].values for value in row if _is_number(value)]
    expected = [value for tile in tiles if (value := marts.value(tile.path)) is not None]
    if found != expected:
        yield f"{workbook.SUMMARY}: {found}, bi has {expected}"


def _missing(document: Document, sheet: Any, lines: list[Line]) -> Iterator[str]:
    texts = iter([value for row in sheet.values for value in row if isinstance(value, str)])
    for line in lines:
        text = document.text(line)
        if text and text not in texts:  # goes on after the line before
            yield f"{sheet.title}: no «{text}» in its place"
            return


def _in_cell(piece: Piece | None, marts: Marts) -> object:
    return marts.value(piece.path) if isinstance(piece, Number) else piece


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _numbers(pieces: Any) -> list[Number]:
    return [piece for piece in pieces if isinstance(piece, Number)]
