"""Typed rows of one export: each raw cell to the field that its column's header means, as canonical text."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openpyxl.utils import column_index_from_string, get_column_letter

from mcu.sources import cells, columns
from mcu.sources.cells import CONVERTERS
from mcu.sources.columns import ColumnMap
from mcu.sources.markup import as_written
from mcu.sources.sheet import RawCells, refuse_repeated
from mcu.sources.typed_cells import Convert, Read, reader
from mcu.sources.xlsx import Kind

READER_VERSION = 2  # another one, when the same cells come to mean something else: all rows are read anew
MAX_PLANS = 1000

Shape = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]  # columns, styles and types of a row's cells
Plan = tuple[list[tuple[int, Read]], int | None]  # slot and reader of each cell; which cell holds the creation


class Row(NamedTuple):
    """One data row: `values` in the order of `Export.fields`, `extra` is unknown columns by header."""

    row_number: int
    source_key: str | None
    content_hash: str
    values: list[str | None]
    extra: dict[str, str] | None


class RowReader:
    """Reads rows under given headers.

    A row is read into slots: the fields in the order of the map, the key, the unknown columns. Which cell goes where
    and how it is read is found once for all rows of one shape, and most rows have one of a few shapes.
    """

    def __init__(self, headers: Sequence[str], column_map: ColumnMap, kinds: Sequence[Kind], is_1904: bool) -> None:
        self._column_map = column_map
        self._kinds = kinds
        self._is_1904 = is_1904
        self._types = list(column_map.types.items())
        self._key_slot = len(self._types)
        self._headers = headers
        self._extra: list[str] = []  # names of the unknown columns, by slot behind the key
        self._slots = self._slots_of(headers)
        self._hashed = sorted((field, slot) for slot, (field, kind) in enumerate(self._types) if kind != "cabinet")
        self._created = next(
            i for i, (field, _) in enumerate(self._types) if field == columns.CREATED[column_map.source]
        )
        self._plans: dict[Shape, Plan] = {}
        decides = (READER_VERSION, column_map, tuple(headers), [kind.value for kind in kinds], is_1904)
        self.salt = hashlib.blake2b(repr(decides).encode(), digest_size=32).digest()

    def row(self, number: int, raw: RawCells) -> Row:
        plan, _ = self._plans.get(raw[:3]) or self._plan(raw[:3])
        slots: list[str | None] = [None] * (self._key_slot + 1 + len(self._extra))
        for (slot, read), value in zip(plan, raw.values, strict=True):
            slots[slot] = read(value) if value else None
        values, key = slots[: self._key_slot], slots[self._key_slot]
        extra = {
            name: value
            for name, value in zip(self._extra, slots[self._key_slot + 1 :], strict=True)
            if value is not None
        }
        if len(extra) > 1:
            extra = dict(sorted(extra.items()))
        return Row(number, key, self._hash(key, values, extra), values, extra or None)

    def created_on(self, raw: RawCells) -> dt.date | None:
        plan, at = self._plans.get(raw[:3]) or self._plan(raw[:3])
        value = plan[at][1](raw.values[at]) if at is not None and raw.values[at] else None
        return _day(value) if value else None

    def _slots_of(self, headers: Sequence[str]) -> dict[int, int]:
        """Slot by position of a column; unknown columns without a header or with a repeated one get a name."""
        fields = {field: slot for slot, (field, _) in enumerate(self._types)} | {self._column_map.key: self._key_slot}
        slots: dict[int, int] = {}
        named: set[str] = set()
        for i, header in enumerate(headers):
            if column := self._column_map.by_header.get(header):
                slots[i] = fields[column.field]
            else:
                slots[i] = self._new_slot(header if header and header not in named else _unnamed(header, i))
                named.add(header)
        return slots

    def _new_slot(self, name: str) -> int:
        self._extra.append(name)
        return self._key_slot + len(self._extra)

    def _plan(self, shape: Shape) -> Plan:
        """How rows of this shape are read; raises WorkbookError if two cells stand in one column."""
        refuse_repeated(shape[0])
        steps: list[tuple[int, Read]] = []
        for letters, style, cell_type in zip(*shape, strict=True):
            i = column_index_from_string(letters.decode()) - 1
            if i not in self._slots:
                self._slots[i] = self._new_slot(_unnamed("", i))
            slot = self._slots[i]
            convert: Convert = cells.text
            if slot <= self._key_slot:
                convert = CONVERTERS["key" if slot == self._key_slot else self._types[slot][1]]
            steps.append((slot, reader(cell_type, self._kind(style), convert, is_1904=self._is_1904)))
        created = [at for at, (slot, _) in enumerate(steps) if slot == self._created]
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        plan = self._plans[shape] = steps, created[-1] if created else None
        return plan

    def _kind(self, style: bytes) -> Kind:
        index = int(style) if style.isdigit() and len(style) < 10 else 0
        return self._kinds[index] if index < len(self._kinds) else Kind.NUMBER

    def _hash(self, key: str | None, values: Sequence[str | None], extra: dict[str, str]) -> str:
        """Digest of what is there, so that neither the order of columns nor an empty new one changes it."""
        pairs = [str(key)]
        pairs += [f"{field}={value}" for field, slot in self._hashed if (value := values[slot]) is not None]
        pairs += [f"+{header}={value}" for header, value in extra.items()]
        # NUL stands in no text, so that no two contents give the same bytes.
        return hashlib.blake2b("\0".join(pairs).encode(), digest_size=16).hexdigest()


def reread(column_map: ColumnMap, row_number: int, payload: Mapping[str, Any]) -> tuple[Row, dt.date | None]:
    """A row that was read before, once more by the column map and converters of today; with its day of creation.

    `payload`: canonical texts by field, `source_key` and `extra` (by header) among them: see ops.quarantine.
    """
    texts: dict[str, str] = dict(payload.get("extra") or {})
    for field, value in payload.items():
        if field != "extra":
            headers = column_map.headers_of(column_map.key if field == "source_key" else field)
            texts[headers[0] if headers else field] = value
    row_reader = RowReader(list(texts), column_map, kinds=(), is_1904=False)
    columns_ = tuple(get_column_letter(i).encode() for i in range(1, len(texts) + 1))
    nothing = (b"",) * len(texts)
    # The apostrophe that the systems write before texts: it is what a converter takes away, and no more.
    written = tuple(b"'" + as_written(value.replace("_x", "_x005F_x")) for value in texts.values())
    raw = RawCells(columns_, nothing, (b"str",) * len(texts), written)
    return row_reader.row(row_number, raw), row_reader.created_on(raw)


def _unnamed(header: str, i: int) -> str:
    return f"{header} (столбец {i + 1})".strip()


def _day(value: str) -> dt.date | None:
    """The day of a canonical date or moment."""
    try:
        if value[2:3] == ".":
            return dt.date(int(value[6:]), int(value[3:5]), int(value[:2]))
        return dt.date.fromisoformat(value[:10])
    except ValueError:
        return None
