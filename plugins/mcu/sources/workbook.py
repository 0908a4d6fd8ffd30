"""An export in a workbook: which source it is told by its headers, its rows are streamed, raw first, then typed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from openpyxl.utils import column_index_from_string

from mcu.sources import columns
from mcu.sources.columns import Column, ColumnMap
from mcu.sources.markup import REPLACEMENT
from mcu.sources.package import UnfinishedWorkbookError, WorkbookError
from mcu.sources.row_reader import Row, RowReader
from mcu.sources.sheet import RawCells, refuse_repeated
from mcu.sources.typed_cells import text
from mcu.sources.xlsx import Sheet, Workbook

__all__ = ["Export", "ExportError", "RawRow", "Row", "UnfinishedError", "open_export"]

HEADER_ROWS = 20  # a title, a period and the like may stand above the headers
MAX_MESSAGE = 2000  # characters
KNOWN_HEADERS = 3  # fewer in a row are a coincidence, not an export


class ExportError(Exception):
    """The file cannot be taken as it is; the message names file, sheet and column, and says what to do."""

    def __init__(self, message: str, source: str | None = None) -> None:
        super().__init__(_presentable(message))
        self.source = source


def _presentable(message: str) -> str:
    """On one line, whatever stood in the file; of a very long one the beginning and what to do, at the end."""
    message = "".join(char if char.isprintable() else REPLACEMENT for char in message)
    half = MAX_MESSAGE // 2
    return message if len(message) <= MAX_MESSAGE else f"{message[:half]} … {message[-half:]}"


class UnfinishedError(ExportError):
    """The file has no end: it is still being written, or was cut off."""


class RawRow(NamedTuple):
    """One data row as it is written.

    digest: 16 bytes; the same for two rows, of whatever exports, only if the same stands in them and is read the
    same way. The row's number is no part of it.
    """

    row_number: int
    digest: bytes
    cells: RawCells


class Export:
    """An opened export, to be closed. `fields`: every field of the column map but the key, also those it lacks.

    `missing`: headers of known columns that it lacks; `unknown`: headers that no map has.
    """

    def __init__(self, name: str, book: Workbook, sheet: Sheet, header: _Header) -> None:
        self._name = name
        self._book = book
        self._sheet = sheet
        self._reader = RowReader(header.headers, header.column_map, book.kinds, book.is_1904)
        self.source = header.column_map.source
        self.fields = tuple(header.column_map.types)
        self.missing = tuple(header.column_map.headers_of(field)[0] for field in header.missing)
        self.unknown = tuple(
            header_ for header_ in header.headers if header_ and header_ not in header.column_map.by_header
        )
        self.header_row = header.row
        self.headers = header.headers
        self.sheet = sheet.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._book.close()

    def raw_rows(self) -> Iterator[RawRow]:
        """Data rows with Excel's own row numbers; rows with nothing in them are left out.

        Raises ExportError where the sheet turns out to be damaged.
        """
        header_row = self.header_row
        blake2b = hashlib.blake2b
        salt = self._reader.salt
        try:
            for number, cells in self._book.rows(self._sheet):
                if number > header_row:
                    parts = b"\0".join(cells[0] + cells[1] + cells[2] + cells[3])
                    yield RawRow(number, blake2b(parts, digest_size=16, key=salt).digest(), cells)
        except WorkbookError as error:
            raise ExportError(f"{self._name}: лист «{self.sheet}», {error}", self.source) from error

    def row(self, raw: RawRow) -> Row:
        """The row as canonical text; raises ExportError where the sheet turns out to be damaged."""
        try:
            return self._reader.row(raw.row_number, raw.cells)
        except WorkbookError as error:
            raise self._damaged(raw, error) from error

    def created_on(self, raw: RawRow) -> dt.date | None:
        """The day the message was created, None if it cannot be read; raises ExportError as `row` does."""
        try:
            return self._reader.created_on(raw.cells)
        except WorkbookError as error:
            raise self._damaged(raw, error) from error

    def _damaged(self, raw: RawRow, error: WorkbookError) -> ExportError:
        return ExportError(f"{self._name}: лист «{self.sheet}», строка {raw.row_number}: {error}", self.source)

    def rows(self) -> Iterator[Row]:
        """All data rows as canonical text."""
        return map(self.row, self.raw_rows())


class _Header(NamedTuple):
    """The row of the headers: by position, empty where there is none."""

    row: int
    headers: tuple[str, ...]
    column_map: ColumnMap
    missing: tuple[str, ...] = ()  # fields


def open_export(path: Path, name: str | None = None) -> Export:
    """Open the export at `path`, called `name` in messages; raises ExportError if it is none, OSError if unreadable."""
    name = name or path.name
    try:
        book = Workbook(path)
    except UnfinishedWorkbookError as error:
        raise UnfinishedError(f"{name}: не открывается как книга Excel: {error}") from error
    except WorkbookError as error:
        raise ExportError(f"{name}: не открывается как книга Excel: {error}") from error
    try:
        sheet, header = _sheet_of_the_export(name, book)
        return Export(name, book, sheet, _checked(name, sheet.name, header))
    except BaseException:
        book.close()
        raise


def _sheet_of_the_export(name: str, book: Workbook) -> tuple[Sheet, _Header]:
    """The one sheet with known headers."""
    found = [(sheet, header) for sheet in book.sheets if (header := _find_header(name, book, sheet))]
    if not found:
        names = ", ".join(sheet.name for sheet in book.sheets) or "в книге нет листов с ячейками"
        raise ExportError(
            f"{name}: ни на одном листе ({names}) в первых {HEADER_ROWS} строках нет заголовков выгрузки ПОС "
            "или «Инцидент Менеджмент». Выгрузите файл заново со строкой заголовков."
        )
    if len(found) > 1:
        names = ", ".join(f"«{sheet.name}»" for sheet, _ in found)
        raise ExportError(
            f"{name}: заголовки выгрузки стоят на нескольких листах: {names}. "
            "Оставьте в файле один из них, остальные положите отдельными файлами.",
            found[0][1].column_map.source,
        )
    return found[0]


def _find_header(name: str, book: Workbook, sheet: Sheet) -> _Header | None:
    """The first row with known headers."""
    maps = [columns.load(source) for source in columns.SOURCES]
    first = takewhile(lambda row: row[0] <= HEADER_ROWS, book.rows(sheet, only_first=True))
    try:
        for number, cells in first:
            headers = _headers(cells)
            best = max(maps, key=lambda column_map: _known(headers, column_map))
            if _known(headers, best) >= KNOWN_HEADERS:
                refuse_repeated(cells.columns)
                return _Header(number, headers, best)
    except WorkbookError as error:
        raise ExportError(f"{name}: лист «{sheet.name}», {error}") from error
    return None


def _headers(cells: RawCells) -> tuple[str, ...]:
    """Texts of a row by position."""
    by_letters = {letters.decode(): columns.normalise(text(value)) for letters, _, _, value in zip(*cells, strict=True)}
    by_position = {column_index_from_string(letters) - 1: header for letters, header in by_letters.items()}
    return tuple(by_position.get(i, "") for i in range(max(by_position) + 1))


def _known(headers: Sequence[str], column_map: ColumnMap) -> int:
    return len(set(headers) & set(column_map.by_header))


def _checked(name: str, sheet: str, header: _Header) -> _Header:
    """The header with what is missing; raises ExportError if a needed column is, or one stands there twice."""
    column_map = header.column_map
    known = [column_map.by_header[header_] for header_ in header.headers if header_ in column_map.by_header]
    _refuse_duplicates(name, sheet, known, column_map.source)
    missing = _missing(known, column_map)
    if needed := [field for field, is_required in missing.items() if is_required]:
        wanted = ", ".join(" или ".join(f"«{header_}»" for header_ in column_map.headers_of(field)) for field in needed)
        raise ExportError(
            f"{name}: на листе «{sheet}» нет обязательных столбцов: {wanted}. "
            "Выгрузите файл заново с этими столбцами; если столбец переименован, добавьте новый заголовок "
            f"в {column_map.source}_columns.csv.",
            column_map.source,
        )
    return header._replace(missing=tuple(missing))


def _refuse_duplicates(name: str, sheet: str, known: Sequence[Column], source: str) -> None:
    counts = Counter(column.field for column in known)
    if twice := sorted({column.header for column in known if counts[column.field] > 1}):
        raise ExportError(
            f"{name}: на листе «{sheet}» один и тот же столбец стоит больше одного раза: "
            f"{', '.join(f'«{header}»' for header in twice)}. Оставьте один и положите файл снова.",
            source,
        )


def _missing(known: Sequence[Column], column_map: ColumnMap) -> dict[str, bool]:
    """Fields that the file lacks, with whether they are needed."""
    present = {column.field for column in known}
    missing: dict[str, bool] = {}
    for column in column_map.columns:
        if column.field not in present:
            missing[column.field] = missing.get(column.field, False) or column.is_required
    return missing
