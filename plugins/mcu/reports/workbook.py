"""One edition as a workbook for counting on: real numbers and dates, one sheet a table. Needs no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from mcu.reports import format
from mcu.reports.document import Cell, Document, Line, Number, Piece, Table, Tiles, Words, piece_text

SUMMARY, READING = "Сводка", "Как читать"
LONGEST_TEXT = 32_767  # characters in a cell; Excel takes no more
NARROWEST, WIDEST = 9, 60  # characters

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

DATE, MOMENT = "dd.mm.yyyy", "dd.mm.yyyy hh:mm"
# In a file «,» is the digit grouping of the reader's language: a no-break space in Russian.
NUMBERS: dict[Callable[[float], str], str] = {
    format.integer: "#,##0",
    format.signed: "+#,##0;-#,##0;0",
    format.decimal: "#,##0.0",
    format.share: "0.0%",
    format.percent_change: '+#,##0"%";-#,##0"%";0"%"',
    format.minutes: '#,##0" мин"',
}


def render(document: Document) -> bytes:
    """An XLSX: «Сводка», a sheet for each table, «Как читать»; equal documents give equal bytes. It has no formula.

    Raises xlsxwriter.exceptions.XlsxWriterException for a name of a table that Excel does not take or that stands
    twice, ValueError for a cell that has more values than its column has titles, or a row of another length.
    """
    target = BytesIO()
    book = xlsxwriter.Workbook(target, OPTIONS)
    created = document.as_of.astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": format.one_line(document.subject), "created": created})
    writer = _Writer(document, book)
    writer.summary()
    for block in document.blocks:
        if isinstance(block, Table):
            writer.table(block)
    writer.reading()
    book.close()
    return target.getvalue()


class _ExactFloat(float):
    """xlsxwriter rounds to 16 digits what it writes; some numbers need 17 to stay what they are."""

    def __format__(self, _: str) -> str:
        return repr(float(self))


class _Writer:
    """Puts a document into an open workbook, sheet by sheet."""

    def __init__(self, document: Document, book: xlsxwriter.Workbook) -> None:
        self._document = document
        self._book = book
        self._formats: dict[tuple[tuple[str, object], ...], Format] = {}

    def summary(self) -> None:
        """What stands above everything, in words, and the headline numbers: label, number, what is below it."""
        sheet = self._sheet(SUMMARY, [50, 16, 60])
        for row, (pieces, is_bold) in enumerate(self._summary_rows()):
            for column, piece in enumerate(pieces):
                self._write(sheet, row, column, piece, bold=is_bold)

    def _summary_rows(self) -> Iterator[tuple[Sequence[Piece | None], bool]]:
        document = self._document
        yield (document.heading,), False
        yield (document.name,), True
        yield (document.dates,), True
        yield ("Данные на", document.as_of), False
        for source, exported_at in document.freshness:
            yield (f"Выгрузка: {source}", exported_at or format.NO_DATA), False
        for warning in document.warnings:
            yield (warning,), True
        yield (), False
        for sentence in document.sentences:
            yield (document.text(sentence),), False
        for block in document.blocks:
            if isinstance(block, Tiles):
                yield (), False
                for tile in block.items:
                    yield (tile.title, tile.number, document.text(tile.below)), False
            elif isinstance(block, Words):
                yield (), False
                yield (block.title,), True
                for line in (block.note, *block.lines):
                    if line:
                        yield (document.text(line),), False

    def table(self, table: Table) -> None:
        """Titles in the first row, which stays when the rest is scrolled and has the filters."""
        titles = [title for column in table.columns for title in column.workbook_titles]
        rows = [_values(table, row) for row in table.rows]
        texts = [[title, *(self._text(row[place]) for row in rows)] for place, title in enumerate(titles)]
        sheet = self._sheet(table.name, [_width(column) for column in texts])
        for place, title in enumerate(titles):
            self._write(sheet, 0, place, title, bold=True, text_wrap=True, valign="top")
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                self._write(sheet, number, place, value)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(titles) - 1)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)

    def reading(self) -> None:
        """Definitions, the notes of the tables, the quality of the data."""
        document = self._document
        tables = [block for block in document.blocks if isinstance(block, Table)]
        rows: list[tuple[str, Line]] = [("Определения", (document.definitions,))]
        rows += [(f"Лист «{table.name}»", table.note) for table in tables if table.note]
        rows += document.quality
        sheet = self._sheet(READING, [32, 100])
        for row, (title, line) in enumerate(rows):
            self._write(sheet, row, 0, title, bold=True, text_wrap=True, valign="top")
            self._write(sheet, row, 1, document.text(line), text_wrap=True, valign="top")

    def _sheet(self, name: str, widths: Sequence[int]) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)  # A4
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        return sheet

    def _write(self, sheet: Worksheet, row: int, column: int, piece: Piece | None, **style: object) -> None:
        value: Any = piece.value if isinstance(piece, Number) else piece
        if value is None or value == "":
            return
        if isinstance(piece, Number):
            shown = self._format(num_format=NUMBERS[format.form(piece.column)], **style)
            sheet.write_number(row, column, value if isinstance(value, int) else _ExactFloat(value), shown)
        elif isinstance(value, datetime):
            local = value.astimezone(self._document.timezone).replace(tzinfo=None)
            sheet.write_datetime(row, column, local, self._format(num_format=MOMENT, align="left", **style))
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self._format(num_format=DATE, align="left", **style))
        else:
            sheet.write_string(row, column, _cell_text(self._text(value)), self._format(**style))

    def _text(self, piece: Piece | None) -> str:
        return "" if piece is None else piece_text(piece, self._document.timezone)

    def _format(self, **properties: object) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]


def _values(table: Table, row: Sequence[Cell]) -> list[Piece | None]:
    """The row's values, one a title."""
    values: list[Piece | None] = []
    for column, cell in zip(table.columns, row, strict=True):
        missing = len(column.workbook_titles) - len(cell.workbook_values)
        if missing < 0:
            raise ValueError(f"{table.name}: a cell of «{column.title}» has more values than titles")
        values += [*cell.workbook_values, *[None] * missing]
    return values


def _width(texts: Sequence[str]) -> int:
    """Room for the longest value and for the words of the title, which wraps; two characters are the filter's."""
    title, *values = texts
    longest = max(map(len, (*title.split(), *values)), default=0)
    return min(max(longest + 2, NARROWEST), WIDEST)


def _cell_text(text: str) -> str:
    """Text that Excel can hold. xlsxwriter puts «<r>…</r>» into the file as it is; a space at the end prevents it."""
    short = format.shortened(text, LONGEST_TEXT)
    return f"{short} " if short.startswith("<r>") and short.endswith("</r>") else short
