"""A workbook: its sheets by name, what its styles mean for numbers, and its raw rows. Knows nothing of exports."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from mcu.sources.package import EXPORT_AGAIN, DamagedPartError, Package, WorkbookError
from mcu.sources.shared_strings import SharedStrings
from mcu.sources.sheet import RawCells, read_rows

MAX_SHEETS = 1000
MAX_SHEET_NAME = 31  # characters, as in Excel
MAX_FORMAT_CODE = 255  # characters, as in Excel; looking through a long one takes for ever


class Kind(Enum):
    """What a number in a cell of some style is."""

    NUMBER = "number"
    MOMENT = "moment"
    DURATION = "duration"


class Sheet(NamedTuple):
    name: str
    part: str


class Workbook:
    """An opened workbook. Everything about it may raise WorkbookError, or OSError if the disk fails.

    kinds: by index of a style; is_1904: days are counted from 1904, not from 1900.
    """

    def __init__(self, path: Path) -> None:
        self._package = Package(path)
        try:
            book = _workbook_part(self._package)
            relations = _relations(self._package, book)
            self.sheets, self.is_1904 = _sheets(self._package, book, relations)
            self.kinds = _kinds(self._package, _part_of_type(relations, "styles"))
            self._strings = SharedStrings(self._package, _part_of_type(relations, "sharedStrings"))
        except BaseException:
            self._package.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._strings.close()
        self._package.close()

    def rows(self, sheet: Sheet, *, only_first: bool = False) -> Iterator[tuple[int, RawCells]]:
        """Excel's own number and the cells of each row in which anything stands.

        `only_first`: the caller will leave off soon, so that not all shared strings need be read.
        """
        return read_rows(self._package, sheet.part, self._strings, only_first=only_first)


class _Relation(NamedTuple):
    kind: str  # last word of the relation's type
    part: str


def _workbook_part(package: Package) -> str:
    """The part that lists the sheets."""
    if "mimetype" in package:
        raise WorkbookError(f"это таблица OpenDocument (.ods) под чужим именем. {EXPORT_AGAIN}")
    part = _part_of_type(_relations(package, ""), "officeDocument")
    if part is None or part not in package or not part.startswith("xl/"):
        raise WorkbookError(f"это не книга Excel, а другой архив. {EXPORT_AGAIN}")
    if part.endswith(".bin"):
        raise WorkbookError(f"это двоичная книга Excel (.xlsb). {EXPORT_AGAIN}")
    return part


def _relations(package: Package, part: str) -> dict[str, _Relation]:
    """What a part points to inside the package, by id; the package itself is the part without a name."""
    folder, name = posixpath.split(part)
    found: dict[str, _Relation] = {}

    def on_start(element: str, attributes: dict[str, str]) -> None:
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = _Relation(kind, target.lstrip("/"))

    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    if relations in package:
        package.elements(relations, on_start)
    return found


def _part_of_type(relations: dict[str, _Relation], kind: str) -> str | None:
    return next((relation.part for relation in relations.values() if relation.kind == kind), None)


def _sheets(package: Package, book: str, relations: dict[str, _Relation]) -> tuple[list[Sheet], bool]:
    """The sheets with rows, in the workbook's order, and whether its days are counted from 1904."""
    sheets: list[Sheet] = []
    is_1904 = False

    def on_start(element: str, attributes: dict[str, str]) -> None:
        nonlocal is_1904
        if element == "workbookPr":
            is_1904 = attributes.get("date1904") in ("1", "true", "on")
        elif element == "sheet":
            name = attributes.get("name", "")
            ids = [value for key, value in attributes.items() if re.search("[ /]relationships id$", key)]
            relation = relations.get(ids[0]) if ids else None
            if relation is None:
                raise DamagedPartError(f"в книге нет листа «{name}», хотя он в ней назван. {EXPORT_AGAIN}")
            if relation.kind == "worksheet":
                sheets.append(Sheet(name[:MAX_SHEET_NAME], relation.part))
            if len(sheets) > MAX_SHEETS:
                raise WorkbookError(f"в книге больше {MAX_SHEETS} листов: это не выгрузка. {EXPORT_AGAIN}")

    package.elements(book, on_start)
    return sheets, is_1904


def _kinds(package: Package, part: str | None) -> tuple[Kind, ...]:
    """What numbers are, by index of the cell's style."""
    formats: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    styles: list[str] = []
    section = ""

    def on_start(element: str, attributes: dict[str, str]) -> None:
        nonlocal section
        if element in ("numFmts", "cellStyleXfs", "cellXfs", "dxfs"):
            section = element
        elif element == "numFmt" and section == "numFmts":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif element == "xf" and section == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))

    if part is not None:
        package.elements(part, on_start)
    by_format = {style: _kind(formats.get(style)) for style in set(styles)}
    return tuple(by_format[style] for style in styles)


def _kind(format_code: str | None) -> Kind:
    if format_code is None or format_code.lower() == "general" or len(format_code) > MAX_FORMAT_CODE:
        return Kind.NUMBER
    if is_timedelta_format(format_code):
        return Kind.DURATION
    return Kind.MOMENT if is_date_format(format_code) else Kind.NUMBER
