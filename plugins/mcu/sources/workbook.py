"""An export in a workbook: which source it is told by its headers, its rows are streamed as canonical text."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineError, CalamineSheet, load_workbook

from mcu.sources import columns
from mcu.sources.cells import CONVERTERS, text
from mcu.sources.columns import Column, ColumnMap

HEADER_ROWS = 20  # a title, a period and the like may stand above the headers
KNOWN_HEADERS = 3  # fewer in a row are a coincidence, not an export


class ExportError(Exception):
    """The file cannot be taken as it is; the message names file, sheet and column, and says what to do."""

    def __init__(self, message: str, source: str | None = None) -> None:
        super().__init__(message)
        self.source = source


class Row(NamedTuple):
    """One data row: `values` in the order of `Export.fields`, `extra` is unknown columns by header."""

    row_number: int
    source_key: str | None
    content_hash: str
    values: list[str | None]
    extra: dict[str, str] | None


@dataclass(frozen=True)
class Export:
    """An opened export. `fields` has every field of the column map but the key, also those that the file lacks."""

    source: str
    fields: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    header_row: int
    headers: tuple[str, ...]
    sheet: CalamineSheet

    def rows(self) -> Iterator[Row]:
        """Data rows with Excel's own row numbers; rows with nothing in them are left out."""
        column_map = columns.load(self.source)
        known, extra = _positions(self.headers, column_map)
        key = known.pop(column_map.key)
        convert = [(known[field], CONVERTERS[kind]) if field in known else None for field, kind in _fields(column_map)]
        hashed = sorted((field, i) for i, (field, kind) in enumerate(_fields(column_map)) if kind != "cabinet")
        for number, cells in enumerate(islice(self.sheet.iter_rows(), self.header_row, None), self.header_row + 1):
            source_key = CONVERTERS["key"](cells[key])
            values = [at[1](cells[at[0]]) if at else None for at in convert]
            unknown = {header: value for header, i in extra if (value := text(cells[i])) is not None}
            if source_key is None and not unknown and not any(values) and not any(cell != "" for cell in cells):
                continue
            yield Row(number, source_key, _hash(source_key, values, unknown, hashed), values, unknown or None)


def open_export(path: Path, name: str | None = None) -> Export:
    """Open the export at `path`, called `name` in messages; raises ExportError if it is none, OSError if unreadable."""
    name = name or path.name
    try:
        with path.open("rb") as file:
            workbook = load_workbook(file)
            sheets = [sheet.name for sheet in workbook.sheets_metadata]
            for sheet_name in sheets:
                sheet = workbook.get_sheet_by_name(sheet_name)
                if found := _find_header(sheet):
                    return _export(name, sheet, *found)
    except CalamineError as error:
        raise ExportError(
            f"{name}: не открывается как книга Excel ({error}). Выгрузите файл заново в формате XLSX, без пароля."
        ) from error
    raise ExportError(
        f"{name}: ни на одном листе ({', '.join(sheets)}) нет заголовков выгрузки ПОС или «Инцидент Менеджмент». "
        "Выгрузите файл заново со строкой заголовков."
    )


def _find_header(sheet: CalamineSheet) -> tuple[int, tuple[str, ...], ColumnMap] | None:
    """Row number, headers and column map of the first row with known headers."""
    maps = [columns.load(source) for source in columns.SOURCES]
    for number, cells in enumerate(islice(sheet.iter_rows(), HEADER_ROWS), 1):
        headers = tuple(columns.normalise(cell) for cell in cells)
        best = max(maps, key=lambda column_map: _known(headers, column_map))
        if _known(headers, best) >= KNOWN_HEADERS:
            return number, headers, best
    return None


def _known(headers: Sequence[str], column_map: ColumnMap) -> int:
    return len(set(headers) & set(column_map.by_header))


def _export(
    name: str, sheet: CalamineSheet, header_row: int, headers: tuple[str, ...], column_map: ColumnMap
) -> Export:
    known = [column_map.by_header[header] for header in headers if header in column_map.by_header]
    _refuse_duplicates(name, sheet.name, known, column_map.source)
    missing = _missing(known, column_map)
    if needed := [field for field, is_required in missing.items() if is_required]:
        wanted = ", ".join(" или ".join(f"«{header}»" for header in column_map.headers_of(field)) for field in needed)
        raise ExportError(
            f"{name}: на листе «{sheet.name}» нет обязательных столбцов: {wanted}. "
            "Выгрузите файл заново с этими столбцами; если столбец переименован, добавьте новый заголовок "
            f"в {column_map.source}_columns.csv.",
            column_map.source,
        )
    return Export(
        source=column_map.source,
        fields=tuple(column_map.types),
        missing=tuple(column_map.headers_of(field)[0] for field in missing),
        unknown=tuple(header for header in headers if header and header not in column_map.by_header),
        header_row=header_row,
        headers=headers,
        sheet=sheet,
    )


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


def _fields(column_map: ColumnMap) -> list[tuple[str, str]]:
    return list(column_map.types.items())


def _positions(headers: Sequence[str], column_map: ColumnMap) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Where the fields stand, and the unknown columns; those without a header or with a repeated one get a name."""
    known: dict[str, int] = {}
    extra: dict[str, int] = {}
    for i, header in enumerate(headers):
        if column := column_map.by_header.get(header):
            known[column.field] = i
        else:
            extra[header if header and header not in extra else f"{header} (столбец {i + 1})".strip()] = i
    return known, sorted(extra.items())


def _hash(
    source_key: str | None, values: Sequence[str | None], extra: dict[str, str], hashed: Sequence[tuple[str, int]]
) -> str:
    """Digest of what is there, so that neither the order of columns nor an empty new one changes it."""
    pairs = [str(source_key)]
    pairs += [f"{field}={value}" for field, i in hashed if (value := values[i]) is not None]
    pairs += [f"+{header}={value}" for header, value in extra.items()]
    # NUL stands in no text, so that no two contents give the same bytes.
    return hashlib.blake2b("\0".join(pairs).encode(), digest_size=16).hexdigest()
