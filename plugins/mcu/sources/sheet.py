"""The rows of a sheet as they stand in its XML: streamed, not typed.

Almost every row of every export has the same plain layout, which one regular expression reads many times faster than
an XML parser. Whatever it does not cover whole goes to the parser, and comes out in the same form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openpyxl.utils import column_index_from_string, get_column_letter

from mcu.sources.markup import MAX_PIECE, Content, PieceParser, as_written, content
from mcu.sources.package import EXPORT_AGAIN, DamagedPartError, Package, WorkbookError
from mcu.sources.shared_strings import SharedStrings

MAX_ROWS = 1 << 20
MAX_COLUMNS = 1 << 14
LAST_COLUMN = b"XFD"
MUCH = 1 << 18  # bytes of a row from which its cells are counted before they are read

ROW = re.compile(rb'\s*<row r="(\d{1,7})"[^<>]*>\s*')
CELL = re.compile(
    rb'<c r="([A-Z]{1,3})\d{1,7}"(?: s="(\d{1,6})")?(?: t="(\w+)")?'
    rb"(?:/>|>"
    rb"(?:<f(?: [^<>]*)?(?:/>|>[^<]*</f>))?"  # of a formula the value that it had counts
    rb'(?:(?:<v>|<is><t(?: xml:space="preserve")?>)([^<]*)</(?:v|t></is)>)?'
    rb"</c>)\s*"
    rb"|.+",  # the first place that is not plain, and all behind it
    re.DOTALL,
)
REFERENCE = re.compile(r"([A-Z]{1,3})\d{1,7}")

TOO_WIDE = f"столбцов больше {MAX_COLUMNS}, столько в Excel не бывает. {EXPORT_AGAIN}"

Cell = tuple[bytes, bytes, bytes, bytes]
NumberedCells = tuple[int, list[Cell]]


class RawCells(NamedTuple):
    """The cells of one row, as four tuples of one length.

    columns: letters; styles: index or empty; types: as written (`s` for a shared string) or empty; values: what
    stands between the tags, entities and escapes as they are, of a shared string its text.
    """

    columns: tuple[bytes, ...]
    styles: tuple[bytes, ...]
    types: tuple[bytes, ...]
    values: tuple[bytes, ...]


def refuse_repeated(columns: Sequence[bytes]) -> None:
    """Raise WorkbookError if two cells of a row stand in one column: nobody knows which of them counts."""
    counts = Counter(columns)
    if twice := [letters.decode() for letters, count in counts.items() if count > 1]:
        raise DamagedPartError(f"столбец {twice[0]} стоит в строке больше одного раза. {EXPORT_AGAIN}")


def read_rows(
    package: Package, part: str, strings: SharedStrings, *, only_first: bool = False
) -> Iterator[tuple[int, RawCells]]:
    """Excel's own number and the cells of each row in which anything stands; raises WorkbookError.

    `only_first`: the caller will leave off soon, so that not all shared strings need be read.
    """
    resolve = strings.resolve_first if only_first else strings.resolve
    for number, cells in _in_order(package, part):
        columns, styles, types, values = zip(*cells, strict=True)
        if b"s" in types:
            try:
                values = resolve(columns, types, values)
            except WorkbookError as error:
                raise type(error)(f"строка {number}: {error}") from error
        if any(values):
            yield number, RawCells(columns, styles, types, values)


def _in_order(package: Package, part: str) -> Iterator[NumberedCells]:
    last = 0
    try:
        for number, cells in _rows(package, part):
            if not last < number <= MAX_ROWS:
                raise DamagedPartError(f"у следующей строки номер {number}. {EXPORT_AGAIN}")
            last = number
            if not cells:
                continue
            if len(cells[-1][0]) > 2 and cells[-1][0] > LAST_COLUMN:
                raise WorkbookError(TOO_WIDE)
            yield number, cells
    except WorkbookError as error:
        raise type(error)(f"после строки {last}: {error}") from error


def _rows(package: Package, part: str) -> Iterator[NumberedCells]:
    chunks = package.stream(part)
    inside = content(part, chunks, "sheetData")
    if inside is not None:
        yield from _rows_of(inside)
    for _ in chunks:  # to the end, where the check sum is compared
        pass


def _rows_of(inside: Content) -> Iterator[NumberedCells]:
    row_end = b"</" + inside.prefix + b"row>"
    end = re.compile(rb"</" + re.escape(inside.tag) + rb"\s*>")
    parser: _RowParser | None = None
    number = 0
    tail = b""
    for chunk in inside.chunks:
        *pieces, tail = (tail + chunk).split(row_end)
        for piece in pieces:
            if parser is None and (row := _plain_row(piece)):
                number = row[0]
                yield row
                continue
            parser = parser or _RowParser(inside, number)
            parser.parse(piece + row_end)
            yield from parser.take()
            number = parser.number
            if parser.is_between:
                parser = None
        if len(tail) > MAX_PIECE:
            raise WorkbookError(f"следующая строка больше {MAX_PIECE >> 20} МиБ. {EXPORT_AGAIN}")
        if parser is None and (found := end.search(tail)) and not re.search(rb"<[!?]", tail[: found.start()]):
            break
    parser = parser or _RowParser(inside, number)
    parser.finish(tail)
    yield from parser.take()
    if not parser.is_done:
        raise DamagedPartError(f"лист обрывается. {EXPORT_AGAIN}")


def _plain_row(piece: bytes) -> NumberedCells | None:
    """The row that ends with the piece; None if it is written in any but the plain layout."""
    start = ROW.match(piece)
    if start is None:
        return None
    if len(piece) > MUCH and piece.count(b"<c") > MAX_COLUMNS:
        raise WorkbookError(TOO_WIDE)
    cells = CELL.findall(piece, start.end())
    return None if cells and not cells[-1][0] else (int(start[1]), cells)


class _RowParser(PieceParser):
    """Rows in any layout that the standard allows; `number` is that of the last one."""

    def __init__(self, inside: Content, number: int) -> None:
        self.number = number
        self._rows: list[NumberedCells] = []
        self._cells: list[Cell] = []
        self._column = 0
        self._cell = ("", "", "")
        self._value: str | None = None
        self._inline: list[str] = []
        self._text: list[str] | None = None
        self._phonetic = 0
        super().__init__(inside)

    def take(self) -> list[NumberedCells]:
        """The rows that have ended since the last call; those without cells are left out."""
        rows, self._rows = self._rows, []
        return rows

    def on_start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self.number = self._row_number(attributes.get("r"))
            self._cells = []
            self._column = 0
        elif name == "c":
            self._cell = (self._letters(attributes.get("r")), attributes.get("s", ""), attributes.get("t", ""))
            self._value = None
            self._inline = []
        elif name == "rPh":
            self._phonetic += 1
        elif name in ("v", "t") and not self._phonetic:
            self._text = []

    def on_end(self, name: str) -> None:
        if name == "row" and self._cells:
            self._rows.append((self.number, self._cells))
        elif name == "c":
            value = "".join(self._inline) if self._value is None else self._value
            self._cells.append((*(part.encode() for part in self._cell), as_written(value)))  # type: ignore[arg-type]
            if len(self._cells) > MAX_COLUMNS:
                raise WorkbookError(TOO_WIDE)
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "v" and self._text is not None:
            self._value, self._text = "".join(self._text), None
        elif name == "t" and self._text is not None:
            self._inline += self._text
            self._text = None

    def on_text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _row_number(self, written: str | None) -> int:
        if written is None:
            return self.number + 1
        if not re.fullmatch("[0-9]{1,7}", written):
            raise DamagedPartError(f"у следующей строки номер «{written[:20]}». {EXPORT_AGAIN}")
        return int(written)

    def _letters(self, reference: str | None) -> str:
        """Letters of a cell's column: those of its reference, else of the column next to the last one."""
        if reference is None:
            self._column += 1
        elif found := REFERENCE.fullmatch(reference):
            self._column = column_index_from_string(found[1])
        else:
            raise DamagedPartError(f"у ячейки адрес «{reference[:20]}». {EXPORT_AGAIN}")
        if self._column > MAX_COLUMNS:
            raise WorkbookError(TOO_WIDE)
        return get_column_letter(self._column)
