"""Writes big workbooks fast, in either way that strings are kept in them: inline in the cells, or shared.

xlsxwriter makes a workbook with the headers alone, into which the rows are put as text: several times faster than
cell by cell, and the parts and their order are still those of a program that many exports are made with.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from bench.messages import Cell

INLINE, SHARED = LAYOUTS = ("inline", "shared")

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
ONE_DAY = dt.timedelta(days=1)
CREATED = dt.datetime(2026, 9, 1)
OFTEN = 60  # characters; a longer text hardly comes twice, and is not looked for
BLOCK = 1 << 20

Written = Callable[[str, str], str]  # address and text to the cell


def write(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Cell]], height: int, layout: str) -> None:
    """Write a workbook of one sheet with `height` rows under the headers; the same rows always give the same bytes.

    Durations are numbers in a format of hours, everything else is as it comes.
    """
    half_written = path.with_suffix(".part")
    with (
        ZipFile(BytesIO(_only_headers(headers, layout))) as frame,
        ZipFile(half_written, "w", ZIP_DEFLATED) as book,
        TemporaryFile(dir=path.parent) as texts,
    ):
        strings = _Strings(headers, texts)
        _write_sheet(book, frame.read(SHEET).decode(), rows, height, strings.cell if layout == SHARED else _inline)
        for name in frame.namelist():
            if name == STRINGS:
                _write_strings(book, frame.read(name).decode(), strings)
            elif name != SHEET:
                book.writestr(_entry(name), frame.read(name))
    half_written.rename(path)


def _only_headers(headers: Sequence[str], layout: str) -> bytes:
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": layout == INLINE}) as book:
        book.set_properties({"created": CREATED})
        sheet = book.add_worksheet()
        sheet.set_column(len(headers), len(headers), None, book.add_format({"num_format": "[hh]:mm:ss"}))
        for place, header in enumerate(headers):
            sheet.write_string(0, place, header)
    return content.getvalue()


def _write_sheet(book: ZipFile, frame: str, rows: Iterable[Sequence[Cell]], height: int, written: Written) -> None:
    before, after = frame.split("</sheetData>")
    before = re.sub(r'(<dimension ref="A1:[A-Z]+)1"', rf'\g<1>{height + 1}"', before)
    with book.open(_entry(SHEET), "w", force_zip64=True) as part:
        part.write(before.encode())
        for block in _blocks(_row(number, row, written) for number, row in enumerate(rows, 2)):
            part.write(block)
        part.write(f"</sheetData>{after}".encode())


def _row(number: int, row: Sequence[Cell], written: Written) -> str:
    cells = []
    for letters, cell in zip(_letters(len(row)), row, strict=True):
        if isinstance(cell, str):
            cells.append(written(f"{letters}{number}", cell))
        elif isinstance(cell, dt.timedelta):
            cells.append(f'<c r="{letters}{number}" s="1"><v>{cell / ONE_DAY!r}</v></c>')
        elif cell is not None:
            cells.append(f'<c r="{letters}{number}"><v>{cell}</v></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


@cache
def _letters(count: int) -> Sequence[str]:
    return [xl_col_to_name(place) for place in range(count)]


def _inline(address: str, text: str) -> str:
    return f'<c r="{address}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


class _Strings:
    """The texts that cells share, in the order of their first use, the headers' first; kept in a file until the end."""

    def __init__(self, headers: Sequence[str], file: IO[bytes]) -> None:
        self._index = {header: index for index, header in enumerate(headers)}
        self._file = file
        self.headers = len(headers)
        self.count = self.unique = len(headers)

    def cell(self, address: str, text: str) -> str:
        self.count += 1
        index = self._index.get(text)
        if index is None:
            index = self.unique
            self.unique += 1
            self._file.write(f"<si><t>{escape(text)}</t></si>".encode())
            if len(text) <= OFTEN:
                self._index[text] = index
        return f'<c r="{address}" t="s"><v>{index}</v></c>'

    def blocks(self) -> Iterator[bytes]:
        self._file.seek(0)
        return iter(lambda: self._file.read(BLOCK), b"")


def _write_strings(book: ZipFile, frame: str, strings: _Strings) -> None:
    counts = f'count="{strings.count}" uniqueCount="{strings.unique}"'
    before, after = re.sub(r'count="\d+" uniqueCount="\d+"', counts, frame).split("</sst>")
    with book.open(_entry(STRINGS), "w", force_zip64=True) as part:
        part.write(before.encode())
        for block in strings.blocks():
            part.write(block)
        part.write(f"</sst>{after}".encode())


def _blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    """The pieces, many at a time: each write to a compressed part costs."""
    block: list[str] = []
    size = 0
    for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield "".join(block).encode()
            block, size = [], 0
    yield "".join(block).encode()


def _entry(name: str) -> ZipInfo:
    """An entry without the moment of its writing."""
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    return entry
