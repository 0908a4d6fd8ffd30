"""XML of the two big parts of a workbook, cut into rows or strings that can be read one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from mcu.sources.package import EXPORT_AGAIN, WorkbookError, feed, xml_parser

MAX_PIECE = 16 << 20  # bytes of a row or a string: 47 cells of 32,767 characters, each written `&quot;`, are 9 MiB

MAX_DEPTH = 100  # elements inside one another; a run of rich text is the fourth

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What XML cannot hold, as workbooks write it: see `mcu.sources.typed_cells.text`.
ESCAPES = {code: f"_x{code:04X}_" for code in [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]}
CHARACTER_REFERENCE = re.compile(r"&#(?:(\d{1,20})|x([0-9A-Fa-f]{1,20}));")


class Content(NamedTuple):
    """The inside of an element of a part, which is the parent of the rows or strings."""

    part: str
    tag: bytes  # name of the element as it is written, with its prefix
    head: bytes  # a start tag of that name in which the same namespaces are declared
    namespace: str  # of the element and of what is in it, with the separator; or empty
    chunks: Iterator[bytes]  # of the part, from behind the start tag

    @property
    def prefix(self) -> bytes:
        """What stands before the names of the tags: empty, or with its colon."""
        before, colon, _ = self.tag.rpartition(b":")
        return before + colon


def content(part: str, chunks: Iterator[bytes], element: str) -> Content | None:
    """Read a part up to the start tag of `element`; None if there is none, or nothing in it."""
    parser = xml_parser(part)
    declared: dict[str, str] = {}
    found: list[tuple[str, int]] = []  # name, and where the tag stands

    def on_start(name: str, _attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] == element:
            found.append((name, parser.CurrentByteIndex))
            raise _StopParsingError

    parser.StartNamespaceDeclHandler = lambda prefix, uri: declared.__setitem__(prefix or "", uri or "")
    parser.StartElementHandler = on_start
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) > MAX_PIECE:
            break
        try:
            if not found:
                feed(parser, part, chunk)
        except _StopParsingError:
            pass
        if found and (end := read.find(b">", start := found[0][1])) >= 0:
            if read[end - 1 : end] == b"/":
                return None
            name = re.split(rb"[\s>]", read[start + 1 : end + 1], maxsplit=1)[0]
            names = "".join(f" xmlns{prefix and ':'}{prefix}={quoteattr(uri)}" for prefix, uri in declared.items())
            namespace, separator, _ = found[0][0].rpartition(" ")
            head = b"<" + name + names.encode() + b">"
            return Content(part, name, head, namespace + separator, _resumed(read[end + 1 :], chunks))
    if len(read) > MAX_PIECE:
        raise WorkbookError(f"часть {part}: до первой строки больше {MAX_PIECE >> 20} МиБ. {EXPORT_AGAIN}")
    feed(parser, part, b"", is_final=True)
    return None


def _resumed(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


class _StopParsingError(Exception):
    """Stops a parser where it stands."""


class PieceParser:
    """Reads pieces of a part's content with a real XML parser; subclasses say what the elements mean.

    `is_between`: all it was given were whole elements, so that the next piece can be read without it.
    `is_done`: the content has come to its end tag.
    """

    def __init__(self, content: Content) -> None:
        self._part = content.part
        self._namespace = content.namespace
        self._depth = -1
        self._unfinished = 0  # bytes since the last row or string has ended
        self._held = bytearray()  # what is yet to be parsed
        self._may_hide_tags = False
        self.is_done = False
        self._parser = xml_parser(content.part)
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self.on_text
        feed(self._parser, self._part, content.head)

    @property
    def is_between(self) -> bool:
        return self._depth == 0 and not self._may_hide_tags

    def parse(self, piece: bytes) -> None:
        # A comment or CDATA may hide tags, also the one at which the next piece was cut off.
        self._may_hide_tags = self._may_hide_tags or b"<!" in piece or b"<?" in piece
        if self.is_done:
            return
        self._unfinished += len(piece)
        self._held += piece
        # A parser looks at a comment from its beginning each time that it gets more of it: half as much again at least.
        if not self._may_hide_tags or 2 * len(self._held) >= self._unfinished:
            self._feed()
        if self._unfinished > MAX_PIECE:  # the ends at which the part is cut are hidden
            raise WorkbookError(f"часть {self._part}: строка больше {MAX_PIECE >> 20} МиБ. {EXPORT_AGAIN}")

    def finish(self, piece: bytes) -> None:
        """Parse the last piece. A parser that puts off long tokens until more has come must do so no longer."""
        if hasattr(self._parser, "SetReparseDeferralEnabled"):
            self._parser.SetReparseDeferralEnabled(False)
        self.parse(piece)
        if not self.is_done:
            self._feed()

    def _feed(self) -> None:
        held = tidy(self._held)
        self._held.clear()
        try:
            feed(self._parser, self._part, held)
        except _StopParsingError:
            self.is_done = True

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WorkbookError(f"часть {self._part}: элементы вложены глубже {MAX_DEPTH}. {EXPORT_AGAIN}")
        if self._depth and name.startswith(self._namespace):
            self.on_start(name[len(self._namespace) :], attributes)

    def _on_end(self, name: str) -> None:
        self._depth -= 1
        if self._depth < 0:
            raise _StopParsingError
        if self._depth == 0:
            self._unfinished = 0
        if name.startswith(self._namespace):
            self.on_end(name[len(self._namespace) :])

    def on_start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def on_end(self, name: str) -> None:
        raise NotImplementedError

    def on_text(self, text: str) -> None:
        raise NotImplementedError


def tidy(piece: bytes | bytearray) -> bytes:
    """The piece without what no XML may hold, and writers that do not care put there nevertheless."""
    text = piece.decode("utf-8", "replace").translate(ESCAPES)
    return CHARACTER_REFERENCE.sub(_valid_reference, text).encode()


def _valid_reference(found: re.Match[str]) -> str:
    meant = character(found)
    return meant if len(meant) > 1 or meant == REPLACEMENT else found[0]


def character(found: re.Match[str]) -> str:
    """What a numeric reference means: an escape where XML has no such character, U+FFFD where nobody has."""
    code = int(found[1]) if found[1] else int(found[2], 16)
    if code > 0x10FFFF:
        return REPLACEMENT
    return f"_x{code:04X}_" if 0xD800 <= code < 0xE000 else ESCAPES.get(code, chr(code))


def as_written(text: str) -> bytes:
    """Text as it would stand between tags."""
    return escape(text, {"\r": "&#13;"}).encode()
