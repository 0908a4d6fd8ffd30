"""Column maps: which header of an export is which field. The maps are data, one CSV a source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = ("pos", "incident")

# The field that tells when a message was created.
CREATED = {"pos": "received_date", "incident": "created_at"}

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """One line of a column map. `type` is one of the keys of `mcu.sources.cells.CONVERTERS`."""

    header: str
    field: str
    type: str
    is_required: bool


@dataclass(frozen=True)
class ColumnMap:
    """All columns of one source. Two columns of one field are two headers that it has had over time."""

    source: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The field that tells one message from another."""
        return next(column.field for column in self.columns if column.type == "key")

    @property
    def types(self) -> dict[str, str]:
        """Type by field, in the order of the map, the key field left out: the columns of `raw`."""
        return {column.field: column.type for column in self.columns if column.type != "key"}

    @property
    def by_header(self) -> dict[str, Column]:
        return {column.header: column for column in self.columns}

    def headers_of(self, field: str) -> list[str]:
        return [column.header for column in self.columns if column.field == field]


def normalise(header: object) -> str:
    """Header text as it is compared: outer white space and what cannot be seen gone, inner runs of it one space."""
    return "".join(filter(str.isprintable, " ".join(str(header).split())))


@cache
def load(source: str) -> ColumnMap:
    """The column map of one source; raises FileNotFoundError for a source without one."""
    with (FOLDER / f"{source}_columns.csv").open(encoding="utf-8", newline="") as file:
        columns = tuple(
            Column(normalise(line["header"]), line["field"], line["type"], line["is_required"] == "true")
            for line in csv.DictReader(file)
        )
    return ColumnMap(source, columns)
