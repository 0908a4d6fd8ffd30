"""A workbook's first sheet, read from its XML: shares no reader and no date arithmetic with the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

Cell = str | float | bool | datetime | timedelta | None

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TERMS = "{http://purl.org/dc/terms/}"
_EPOCH = datetime(1899, 12, 30)
_BUILT_IN_DATES = {14, 15, 16, 17, 22}
_BUILT_IN_TIMES = {18, 19, 20, 21, 45, 46, 47}


@dataclass(frozen=True)
class Sheet:
    """`rows`: (row number in the sheet, cells by column index) without blank rows; `document_time`: UTC or None."""

    headers: dict[int, str]
    rows: list[tuple[int, dict[int, Cell]]]
    document_time: datetime | None


def read_sheet(path: Path) -> Sheet:
    """Read the first worksheet; raises zipfile.BadZipFile if the file is no workbook."""
    with ZipFile(path) as book:
        names = set(book.namelist())
        strings = _shared_strings(book) if "xl/sharedStrings.xml" in names else []
        kinds = _style_kinds(book) if "xl/styles.xml" in names else []
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        rows = [
            (number, cells)
            for number, cells in _rows(root, strings, kinds)
            if any(c is not None for c in cells.values())
        ]
        document_time = _document_time(book) if "docProps/core.xml" in names else None
    if not rows:
        return Sheet({}, [], document_time)
    headers = {index: " ".join(str(cell).split()) for index, cell in rows[0][1].items() if cell is not None}
    return Sheet(headers, rows[1:], document_time)


def _rows(root: ElementTree.Element, strings: list[str], kinds: list[str]) -> Iterator[tuple[int, dict[int, Cell]]]:
    for row in root.iter(f"{_MAIN}row"):
        yield int(row.attrib["r"]), {_column(c.attrib["r"]): _value(c, strings, kinds) for c in row.iter(f"{_MAIN}c")}


def _column(reference: str) -> int:
    index = 0
    for letter in re.sub(r"\d", "", reference):
        index = index * 26 + ord(letter) - ord("A") + 1
    return index


def _value(cell: ElementTree.Element, strings: list[str], kinds: list[str]) -> Cell:
    kind = cell.attrib.get("t", "n")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    value = cell.find(f"{_MAIN}v")
    if value is None or value.text is None:
        return None
    if kind == "s":
        return strings[int(value.text)]
    if kind == "b":
        return value.text == "1"
    if kind == "n":
        return _number(float(value.text), kinds[int(cell.attrib["s"])] if "s" in cell.attrib else "number")
    return value.text


def _number(value: float, kind: str) -> Cell:
    milliseconds = timedelta(milliseconds=round(value * 86_400_000))
    if kind == "date":
        return _EPOCH + milliseconds
    return milliseconds if kind == "time" else value


def _shared_strings(book: ZipFile) -> list[str]:
    root = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    return ["".join(text.text or "" for text in item.iter(f"{_MAIN}t")) for item in root.iter(f"{_MAIN}si")]


def _style_kinds(book: ZipFile) -> list[str]:
    root = ElementTree.fromstring(book.read("xl/styles.xml"))
    codes = {int(f.attrib["numFmtId"]): f.attrib["formatCode"] for f in root.iter(f"{_MAIN}numFmt")}
    formats = root.find(f"{_MAIN}cellXfs")
    return [] if formats is None else [_kind(int(f.attrib["numFmtId"]), codes) for f in formats]


def _kind(number: int, codes: dict[int, str]) -> str:
    code = re.sub(r'"[^"]*"|\\.', "", codes.get(number, "")).lower()
    if number in _BUILT_IN_DATES or "y" in code or "d" in code:
        return "date"
    return "time" if number in _BUILT_IN_TIMES or "h" in code or "s" in code else "number"


def _document_time(book: ZipFile) -> datetime | None:
    root = ElementTree.fromstring(book.read("docProps/core.xml"))
    text = root.findtext(f"{_TERMS}created") or root.findtext(f"{_TERMS}modified")
    if not text:
        return None
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
