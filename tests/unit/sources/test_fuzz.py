"""Readers under damage and in every layout: rows or ExportError, nothing else; both ways of reading agree.

`FUZZ_EXAMPLES=20000 pytest tests/unit/sources/test_fuzz.py` looks longer.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu.settings import Settings
from mcu.sources import shared_strings, sheet
from mcu.sources.exported_at import exported_at
from mcu.sources.typed_cells import text
from mcu.sources.workbook import ExportError, open_export
from mcu.sources.xlsx import Workbook
from tests.packages import MAIN, STRINGS, write_package
from tests.workbooks import write_incidents, write_pos

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
MEMORY = 100 << 10  # KiB that reading one file may take beyond the most that the process has had
MODIFIED = dt.datetime(2026, 2, 10, tzinfo=ZoneInfo("Europe/Moscow"))
NAME_PATTERN = Settings.from_env({}).exported_at_pattern

fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "export.xlsx"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Sound workbooks, small and of both sources."""
    folder = tmp_path_factory.mktemp("originals")
    cells = {"message_text": "Вода & <b>свет</b>\nнет 😀", "created_at": dt.datetime(2026, 2, 2, 10)}
    return [
        write_pos(folder / "pos.xlsx", [{"pos_number": str(n)} for n in range(4)]).read_bytes(),
        write_incidents(folder / "incident.xlsx", [{"im_id": n, **cells} for n in range(4)]).read_bytes(),
    ]


def read(path: Path) -> int | None:
    """Number of rows; None if the file is refused. Anything but a refusal is raised."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        return read_or_refuse(path)
    finally:
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def read_or_refuse(path: Path) -> int | None:
    exported_at(path, path.name, MODIFIED, NAME_PATTERN)
    try:
        with open_export(path) as export:
            return sum(1 for raw in export.raw_rows() if (export.created_on(raw), export.row(raw)))
    except ExportError as error:
        refusal = str(error)
    assert refusal.startswith(path.name)
    assert refusal.isprintable()
    assert refusal.endswith(".")
    return None


# Damage ---------------------------------------------------------------------------------------

TOKENS = [
    *(b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ", b"?>", b"<", b">", b"/>", b'"', b"&", b"&#0;", b"&#xD800;"),
    *(b"&#99999999999999999999;", b"&lt;", b"&x;", b"\0", b"\x01", b"\xff", b"\xed\xa0\x80", b"\r", b"_x0000_"),
    *(b"_xD83D_", b"</row>", b"</c>", b"</sheetData>", b"<sheetData>", b"<sheetData/>", b"<row>", b'<row r="2">'),
    *(b'<row r="9999999">', b'<c r="XFD1">', b'<c r="ZZZ1"/>', b"<c/>", b"<si>", b"</si>", b"<t>", b"</t>"),
    *(b' t="s"', b' t="d"', b' t="b"', b' t="x"', b' s="999999"', b"<v>1e308</v>", b"<v>-1e-5</v>", b"<v>99</v>"),
    *(b"<a>" * 200, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b' xmlns="urn:x"', b' xmlns:y="urn:y"', b"<y:row>"),
    *(b"\xff\xfe", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x08\0", b"\x01\0"),
]


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A few changes, at places told as shares of the length."""
    changes = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["replace", "insert", "delete", "repeat", "cut"]),
                st.floats(0, 1),
                st.one_of(st.sampled_from(TOKENS), st.binary(min_size=1, max_size=8)),
                st.integers(1, 300),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def damaged(content: bytes) -> bytes:
        for kind, share, piece, size in changes:
            at = int(len(content) * share)
            before, after = content[:at], content[at:]
            content = {
                "replace": before + piece + after[len(piece) :],
                "insert": before + piece + after,
                "delete": before + after[size:],
                "repeat": before + after[:size] + after,
                "cut": before,
            }[kind]
        return content

    return damaged


@fuzzed
@given(damaged=damage(), number=st.integers(0, 1))
def test_damaged_files_are_read_or_refused(
    damaged: Callable[[bytes], bytes], number: int, originals: list[bytes], scratch: Path
) -> None:
    scratch.write_bytes(damaged(originals[number]))
    read(scratch)


PARTS = [
    *("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"),
    *("xl/_rels/workbook.xml.rels", "_rels/.rels", "docProps/core.xml", "[Content_Types].xml"),
]


@fuzzed
@given(damaged=damage(), number=st.integers(0, 1), part=st.sampled_from(PARTS + PARTS[:2] * 4))
def test_damaged_parts_are_read_or_refused(
    damaged: Callable[[bytes], bytes], number: int, part: str, originals: list[bytes], scratch: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(originals[number])) as old, zipfile.ZipFile(scratch, "w") as new:
        for name in old.namelist():
            new.writestr(name, damaged(old.read(name)) if name == part else old.read(name))
    read(scratch)


def test_undamaged_originals_are_read(originals: list[bytes], scratch: Path) -> None:
    """What the damage is done to is whole, else there would be nothing to damage."""
    for original in originals:
        scratch.write_bytes(original)
        assert read(scratch) == 4


# Layouts --------------------------------------------------------------------------------------

# Of both kinds: what Excel writes and what no XML may hold.
TEXT = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
        st.sampled_from(["&", "<", "]]", "]]>", "'", '"', "\n", "\r", "\r\n", "\t", "  ", "😀", "_x0041_", "_x005F_"]),
        st.sampled_from(["_xD83D__xDE00_", "_xD83D_", "_x0000_", "&amp;", "&#65;", "</row>", "</si>", "<!--", "-"]),
    ),
    max_size=4,
).map("".join)
VALID = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff_"), max_size=8
).filter(lambda value: "\r" not in value)


def escaped(value: str, draw: st.DrawFn) -> str:
    """The text as some writer would write it."""
    way = draw(st.sampled_from(["entities", "numbers", "long numbers", "cdata", "commented"]))
    entities = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if way == "numbers":
        return "".join(f"&#{ord(char)};" if draw(st.booleans()) else _entity(char) for char in value)
    if way == "long numbers":
        return "".join(f"&#x{ord(c):012X};" for c in value)
    if way == "cdata" and "\r" not in value and "&#" not in value:
        return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
    if way == "commented":
        half = len(value) // 2
        return "".join(map(_entity, value[:half])) + "<!-- </row> </si> -->" + "".join(map(_entity, value[half:]))
    return entities


def _entity(char: str) -> str:
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}.get(char, char)


class Writer:
    """Draws a workbook in any layout. `expected`: text by row and column, as drawn."""

    def __init__(self, draw: st.DrawFn, texts: st.SearchStrategy[str], *, is_numbered: bool) -> None:
        self._draw = draw
        self._texts = texts
        self._is_numbered = is_numbered
        self._strings: list[str] = []
        self.expected: dict[tuple[int, str], str] = {}

    def sheet(self) -> str:
        number = 0
        rows = []
        for _ in range(self._draw(st.integers(0, 5))):
            skipped = self._draw(st.sampled_from([0, 0, 0, 1, 7]))
            is_named = self._is_numbered or skipped or self._draw(st.booleans())
            number += 1 + skipped
            rows.append(self._between() + self._row(number, is_named=bool(is_named)))
        return f"<worksheet {MAIN}><sheetData>{''.join(rows)}{self._between()}</sheetData></worksheet>"

    def strings(self) -> str:
        return f"<sst {MAIN}>{self._between()}{''.join(self._strings)}</sst>"

    def _row(self, number: int, *, is_named: bool) -> str:
        attributes = [f'r="{number}"'] if is_named else []
        attributes += self._draw(st.sampled_from([[], ['spans="1:3"'], ["ht='12'", 'customHeight="1"']]))
        if self._draw(st.booleans()):
            attributes.reverse()
        column = 0
        cells = []
        for _ in range(self._draw(st.integers(0, 4))):
            skipped = self._draw(st.sampled_from([0, 0, 1, 30]))
            column += 1 + skipped
            letters = openpyxl.utils.get_column_letter(column)
            is_cell_named = self._is_numbered or skipped or self._draw(st.booleans())
            cells.append(self._cell(number, letters, f'r="{letters}{number}"' if is_cell_named else ""))
        if not cells and self._draw(st.booleans()):
            return f"<row {' '.join(attributes)}/>"
        space = self._between()
        return f"<row {' '.join(attributes)}>{space}{space.join(cells)}{space}</row>"

    def _cell(self, number: int, letters: str, reference: str) -> str:
        draw = self._draw
        kind = draw(st.sampled_from(["s", "s", "inlineStr", "str", "n", "b", "e", ""]))
        if kind in ("s", "inlineStr"):
            content, value = self._rich()
            inside = f"<is>{content}</is>"
            if kind == "s":
                inside = f"<v>{len(self._strings)}</v>"
                self._strings.append(f"<si>{content}</si>{self._between()}")
        elif kind == "str":
            value = draw(self._texts)
            formula = draw(st.sampled_from(["<f>1+1</f>", "<f/>", '<f t="shared" si="0"/>']))
            inside = f"{formula}<v>{escaped(value, draw)}</v>"
        else:
            value = draw(st.sampled_from({"n": ["1", "-2.5", "1E-3"], "b": ["0", "1"], "e": ["#N/A"], "": [""]}[kind]))
            inside = value and f"<v>{value}</v>"
        attributes = [reference, draw(st.sampled_from(["", 's="0"'])), f't="{kind}"' if kind else ""]
        if draw(st.booleans()):
            attributes.reverse()
        self.expected[number, letters] = value
        named = " ".join(filter(None, ["<c", *attributes]))
        return f"{named}>{inside}</c>" if inside or draw(st.booleans()) else f"{named}/>"

    def _rich(self) -> tuple[str, str]:
        draw = self._draw
        texts = draw(st.lists(self._texts, min_size=1, max_size=2))
        preserve = draw(st.sampled_from(["", ' xml:space="preserve"']))
        written = [f"<t{preserve}>{escaped(value, draw)}</t>" for value in texts]
        if len(texts) == 1 and draw(st.booleans()):
            return written[0], texts[0]
        phonetic = draw(st.sampled_from(["", '<rPh sb="0" eb="1"><t>ё</t></rPh>']))
        return "".join(f"<r><rPr><b/></rPr>{one}</r>" for one in written) + phonetic, "".join(texts)

    def _between(self) -> str:
        return self._draw(st.sampled_from(["", "", "", "", "\n  ", "<!-- </row> </si> -->", "<?x </row></si> ?>"]))


def cells_of(path: Path) -> dict[tuple[int, str], tuple[bytes, bytes, str]]:
    """Style, type and text by row and column."""
    with Workbook(path) as book:
        return {
            (number, column.decode()): (style, kind, text(value))
            for number, cells in book.rows(book.sheets[0])
            for column, style, kind, value in zip(*cells, strict=True)
            if value
        }


@fuzzed
@given(data=st.data())
def test_the_fast_way_reads_what_the_parser_reads(data: st.DataObject, scratch: Path) -> None:
    writer = Writer(data.draw, TEXT, is_numbered=False)  # type: ignore[arg-type]
    path = write_package(scratch, writer.sheet(), {STRINGS: writer.strings()})
    fast = cells_of(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet, "_plain_row", lambda _piece: None)
        patch.setattr(shared_strings, "_plain_strings", lambda _piece: None)
        patch.setattr(shared_strings, "PLAIN", re.compile(b"(?!)"))
        assert cells_of(path) == fast


@fuzzed
@given(data=st.data())
def test_texts_are_read_as_they_were_written(data: st.DataObject, scratch: Path) -> None:
    writer = Writer(data.draw, VALID, is_numbered=False)  # type: ignore[arg-type]
    found = cells_of(write_package(scratch, writer.sheet(), {STRINGS: writer.strings()}))
    assert {at: value for at, (_, _, value) in found.items()} == {at: v for at, v in writer.expected.items() if v}


@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@fuzzed
@given(data=st.data())
def test_openpyxl_reads_the_same(data: st.DataObject, scratch: Path) -> None:
    writer = Writer(data.draw, VALID, is_numbered=True)  # type: ignore[arg-type]
    path = write_package(scratch, writer.sheet(), {STRINGS: writer.strings()})
    cells = openpyxl.load_workbook(path, data_only=True)["Лист1"].iter_rows()
    theirs = {(cell.row, cell.column_letter): cell.value for row in cells for cell in row if cell.value is not None}
    ours = {at: _as_openpyxl(kind, value) for at, (_, kind, value) in cells_of(path).items()}
    assert ours == {at: value for at, value in theirs.items() if value != ""}


def _as_openpyxl(kind: bytes, value: str) -> object:
    if kind == b"b":
        return value == "1"
    return float(value) if kind in (b"n", b"") else value
