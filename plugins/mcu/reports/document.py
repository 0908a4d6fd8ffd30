"""What one edition says, block by block, before it has a form: mail, PDF and workbook are made of the same blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from mcu.reports import format
from mcu.reports.period import Period
from mcu.reports.query import Row

Tone = Literal["green", "yellow", "red"]


@dataclass(frozen=True)
class Number:
    """One number of schema `bi`; `path` is its address there."""

    row: Row
    column: str

    @property
    def value(self) -> Any:
        """Exactly what the mart holds; None where it has no data."""
        return self.row[self.column]

    @property
    def path(self) -> str:
        return self.row.path(self.column)

    @property
    def text(self) -> str:
        """As a reader sees it."""
        return format.shown(self.column, self.value)


# What a line is made of; times have a time zone. Lines are shown with nothing between their pieces.
Piece = str | Number | datetime | date
Line = tuple[Piece, ...]


def piece_text(piece: Piece, timezone: ZoneInfo) -> str:
    """A piece as a reader sees it; text of data as one line, times in `timezone`."""
    if isinstance(piece, Number):
        return piece.text
    if isinstance(piece, datetime):
        return format.moment(piece, timezone)
    if isinstance(piece, date):
        return format.day(piece)
    return format.one_line(piece) if piece.strip() else " " * bool(piece)


def line_text(line: Line, timezone: ZoneInfo) -> str:
    """A line as a reader sees it; spaces at the ends of its pieces stay."""
    return "".join(_with_its_spaces(piece, timezone) for piece in line)


def _with_its_spaces(piece: Piece, timezone: ZoneInfo) -> str:
    text = piece_text(piece, timezone)
    if not isinstance(piece, str) or not piece.strip():
        return text
    return " " * piece[:1].isspace() + text + " " * piece[-1:].isspace()


@dataclass(frozen=True)
class Tile:
    """A headline number."""

    title: str
    number: Number
    below: Line = ()


@dataclass(frozen=True)
class Tiles:
    """The headline numbers, two in a row."""

    items: Sequence[Tile]


@dataclass(frozen=True)
class Words:
    """Plain sentences under a title, one a line."""

    title: str
    lines: Sequence[Line]
    note: Line = ()


@dataclass(frozen=True)
class Picture:
    """A chart, drawn when it is first asked for; `name` is ASCII, unique in the document; `alt` tells what it shows."""

    name: str
    title: str
    alt: str
    draw: Callable[[], bytes] = field(repr=False)
    note: Line = ()

    @cached_property
    def png(self) -> bytes:
        """1,200 pixels wide."""
        return self.draw()


@dataclass(frozen=True)
class Column:
    """`in_workbook`: titles of the columns that the workbook makes of it, one a value of each of its cells."""

    title: str
    in_workbook: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def workbook_titles(self) -> tuple[str, ...]:
        return self.in_workbook or (self.title,)


@dataclass(frozen=True)
class Cell:
    """`values`: what the workbook shows, without `values` the only piece of `line`. Fewer than titles: the rest is
    empty. `below`: small lines under it. `tone`: its zone."""

    line: Line
    below: tuple[Line, ...] = ()
    values: tuple[Piece | None, ...] = ()
    tone: Tone | None = None
    is_strong: bool = False

    @property
    def workbook_values(self) -> tuple[Piece | None, ...]:
        return self.values or self.line[:1]


@dataclass(frozen=True)
class Table:
    """`name` is the title of its sheet: unique, at most 31 characters. `is_for_workbook`: too wide for the others."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: Line = ()
    is_for_workbook: bool = False


Block = Tiles | Words | Picture | Table


@dataclass(frozen=True)
class Document:
    """One edition. `warnings` stand above everything: data that is incomplete, a corrected edition. `missing`: names of
    the sources that lack the period."""

    period: Period
    scope: str
    revision: int
    subject: str
    heading: str
    name: str
    dates: str
    as_of: datetime
    freshness: Sequence[tuple[str, datetime | None]]
    timezone: ZoneInfo
    warnings: Sequence[str]
    missing: Sequence[str]
    sentences: Sequence[Line]
    blocks: Sequence[Block]
    definitions: str
    quality: Sequence[tuple[str, Line]]

    def text(self, line: Line) -> str:
        """The line as a reader sees it."""
        return line_text(line, self.timezone)

    @property
    def pictures(self) -> list[Picture]:
        return [block for block in self.blocks if isinstance(block, Picture)]

    def shown_lines(self) -> Iterator[Line]:
        """Every line that mail and PDF show, in their order: sentences, blocks, data quality."""
        yield from self.sentences
        for block in self.blocks:
            yield from _lines(block)
        yield from (line for _, line in self.quality)

    def numbers(self) -> Iterator[tuple[str, Number]]:
        """What the report tells of its period: each number with the words that stand by it. One that stands in several
        places comes as often; those of the data quality, which every load changes, do not come."""
        for sentence in self.sentences:
            yield from (("Коротко", number) for number in _numbers(sentence))
        for block in self.blocks:
            yield from _labelled(block)


def _lines(block: Block) -> Iterator[Line]:
    match block:
        case Tiles():
            for tile in block.items:
                yield (tile.title,)
                yield (tile.number,)
                yield tile.below
        case Words():
            yield block.note
            yield from block.lines
        case Picture():
            yield block.note
        case Table() if not block.is_for_workbook:
            yield block.note
            for row in block.rows:
                for cell in row:
                    yield cell.line
                    yield from cell.below


def _labelled(block: Block) -> Iterator[tuple[str, Number]]:
    match block:
        case Tiles():
            for tile in block.items:
                yield from ((tile.title, number) for number in _numbers((tile.number, *tile.below)))
        case Words():
            for line in block.lines:
                yield from ((block.title, number) for number in _numbers(line))
        case Table():
            titles = [title for column in block.columns for title in column.workbook_titles]
            for row in block.rows:
                values = [
                    value for cell, column in zip(row, block.columns, strict=True) for value in _padded(cell, column)
                ]
                for title, number in zip(titles, values, strict=True):
                    if isinstance(number, Number):
                        yield f"{block.title}: {values[0]}, {title}", number


def _padded(cell: Cell, column: Column) -> list[Piece | None]:
    """The values of a cell, one a title of its column."""
    values = list(cell.workbook_values)
    return values + [None] * (len(column.workbook_titles) - len(values))


def _numbers(pieces: Iterable[Piece | None]) -> Iterator[Number]:
    return (piece for piece in pieces if isinstance(piece, Number))
