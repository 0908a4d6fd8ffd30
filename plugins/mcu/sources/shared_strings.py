"""The table of strings that the cells of a workbook share, kept in a file that has no name, not in memory."""

from __future__ import annotations

import mmap
import os
import re
import struct
import tempfile
from array import array
from collections.abc import Iterator
from itertools import accumulate

from mcu.sources.markup import MAX_PIECE, Content, PieceParser, as_written, content
from mcu.sources.package import EXPORT_AGAIN, DamagedPartError, Package, WorkbookError

MAX_STRINGS = 50_000_000
ROWS_A_DROP = 32  # after so many rows the pages that they touched are given back
ENTRY = struct.calcsize("Q")

PLAIN = re.compile(rb'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')

Values = tuple[bytes, ...]


class SharedStrings:
    """Strings by index, as they are written, runs of rich text joined. They are read when first asked for."""

    def __init__(self, package: Package, part: str | None) -> None:
        self._unread = _strings(package, part) if part else iter(())
        self._texts = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 — closed by `close`
        self._ends = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._ends.write(array("Q", [0]))
        self._count = 0
        self._size = 0
        self._rows = 0
        self._mapped: tuple[mmap.mmap, mmap.mmap, memoryview] | None = None

    def close(self) -> None:
        if self._mapped:
            texts, ends, view = self._mapped
            self._mapped = None
            view.release()
            ends.close()
            texts.close()
        self._texts.close()
        self._ends.close()

    def resolve(self, columns: Values, types: Values, values: Values) -> Values:
        """The values of a row with the string in place of each index of one (type `s`)."""
        texts, _, ends = self._mapped or self._map()
        self._rows += 1
        if self._rows % ROWS_A_DROP == 0:
            self._give_back()
        try:
            return tuple(
                [
                    value
                    if kind != b"s" or not value
                    else texts[ends[index := int(value)] : ends[index + 1]]
                    if value.isdigit()
                    else _no_index()
                    for kind, value in zip(types, values, strict=True)
                ]
            )
        except (IndexError, ValueError):
            return self.resolve_first(columns, types, values)  # it says which cell it is

    def resolve_first(self, columns: Values, types: Values, values: Values) -> Values:
        """The same for a row at the beginning, reading no more of the table than it needs."""
        return tuple(
            self._one(column, value) if kind == b"s" and value else value
            for column, kind, value in zip(columns, types, values, strict=True)
        )

    def _one(self, column: bytes, value: bytes) -> bytes:
        index = int(value) if value.isdigit() and len(value) < 10 else MAX_STRINGS
        while index >= self._count and self._read_more():
            pass
        if index >= self._count:
            name = value[:20].decode("utf-8", "replace")
            raise DamagedPartError(
                f"ячейка столбца {column.decode()} ссылается на общую строку {name}, а такой в книге нет. "
                f"{EXPORT_AGAIN}"
            )
        start, end = struct.unpack("=QQ", os.pread(self._ends.fileno(), 2 * ENTRY, index * ENTRY))
        return os.pread(self._texts.fileno(), end - start, start)

    def _read_more(self) -> bool:
        """Read a chunk of the table; false if all of it is read."""
        strings = next(self._unread, None)
        if strings is None:
            return False
        self._count += len(strings)
        if self._count > MAX_STRINGS:
            raise WorkbookError(f"в книге больше {MAX_STRINGS} строк текста: это не выгрузка. {EXPORT_AGAIN}")
        ends = array("Q", accumulate(map(len, strings), initial=self._size))
        self._size = ends[-1]
        _write(self._ends.fileno(), ends[1:].tobytes())
        _write(self._texts.fileno(), b"".join(strings))
        return True

    def _map(self) -> tuple[mmap.mmap, mmap.mmap, memoryview]:
        while self._read_more():
            pass
        if not self._size:
            _write(self._texts.fileno(), b"\0")  # nothing cannot be mapped
        texts = mmap.mmap(self._texts.fileno(), 0, access=mmap.ACCESS_READ)
        ends = mmap.mmap(self._ends.fileno(), 0, access=mmap.ACCESS_READ)
        self._mapped = texts, ends, memoryview(ends).cast("Q")
        return self._mapped

    def _give_back(self) -> None:
        """Let go of the pages read so far: they are a file's, and come back from it when they are touched again."""
        if self._mapped and hasattr(mmap, "MADV_DONTNEED"):
            self._mapped[0].madvise(mmap.MADV_DONTNEED)
            self._mapped[1].madvise(mmap.MADV_DONTNEED)


def _no_index() -> bytes:
    raise ValueError


def _write(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _strings(package: Package, part: str) -> Iterator[list[bytes]]:
    """The strings of the table, a chunk of the part at a time."""
    chunks = package.stream(part)
    inside = content(part, chunks, "sst")
    if inside is not None:
        yield from _strings_of(inside)
    for _ in chunks:  # to the end, where the check sum is compared
        pass


def _strings_of(inside: Content) -> Iterator[list[bytes]]:
    string_end = b"</" + inside.prefix + b"si>"
    parser: _StringParser | None = None
    tail = b""
    for chunk in inside.chunks:
        piece, found, rest = (tail + chunk).rpartition(string_end)
        tail = rest
        if len(tail) > MAX_PIECE:
            raise WorkbookError(f"строка текста больше {MAX_PIECE >> 20} МиБ. {EXPORT_AGAIN}")
        if not found:
            continue
        piece += found
        if parser is None and (strings := _plain_strings(piece)) is not None:
            yield strings
            continue
        strings = []
        for one in piece.split(string_end)[:-1]:
            one += string_end
            plain = None if parser else PLAIN.fullmatch(one.strip())
            if plain:
                strings.append(plain[1])
                continue
            parser = parser or _StringParser(inside)
            parser.parse(one)
            strings += parser.take()
            if parser.is_between:
                parser = None
        yield strings
    parser = parser or _StringParser(inside)
    parser.finish(tail)
    yield parser.take()
    if not parser.is_done:
        raise DamagedPartError(f"часть {inside.part} обрывается. {EXPORT_AGAIN}")


def _plain_strings(piece: bytes) -> list[bytes] | None:
    """The strings of a piece that is nothing but plain ones; else None."""
    if b"<!" in piece or b"<?" in piece:
        return None
    strings: list[bytes] = PLAIN.findall(piece)
    return strings if len(strings) == piece.count(b"<si") else None


class _StringParser(PieceParser):
    """Strings in any form: with runs of formatting, whose texts are joined, with readings, which are left out."""

    def __init__(self, inside: Content) -> None:
        self._strings: list[bytes] = []
        self._text: list[str] = []
        self._is_in_text = False
        self._phonetic = 0
        super().__init__(inside)

    def take(self) -> list[bytes]:
        """The strings that have ended since the last call."""
        strings, self._strings = self._strings, []
        return strings

    def on_start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._text = []
        elif name == "rPh":
            self._phonetic += 1
        elif name == "t" and not self._phonetic:
            self._is_in_text = True

    def on_end(self, name: str) -> None:
        if name == "si":
            self._strings.append(as_written("".join(self._text)))
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "t":
            self._is_in_text = False

    def on_text(self, text: str) -> None:
        if self._is_in_text:
            self._text.append(text)
