"""Workbooks put together part by part, also as no writer should put them together."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from mcu.sources import columns
from tests.workbooks import SAMPLES

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

SHEET, STRINGS, STYLES, BOOK = "xl/sheet1.xml", "xl/strings.xml", "xl/styles.xml", "xl/workbook.xml"
NAMED_SHEET = '<sheet name="Лист1" sheetId="1" r:id="sheet"/>'

Parts = Mapping[str, str | bytes | None]


def write_package(path: Path, sheet: str, parts: Parts | None = None, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A workbook whose one sheet is this XML; `parts` replaces other parts, or with None leaves them out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {BOOK: "sheet.main", SHEET: "worksheet", STRINGS: "sharedStrings", STYLES: "styles"}
    types = "".join(
        f'<Override PartName="/{part}" '
        f'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"/>'
        for part, kind in kinds.items()
    )
    content: dict[str, str | bytes | None] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": relations(book=("officeDocument", BOOK)),
        "xl/_rels/workbook.xml.rels": relations(
            sheet=("worksheet", "sheet1.xml"), strings=("sharedStrings", "strings.xml"), styles=("styles", "styles.xml")
        ),
        BOOK: book(NAMED_SHEET),
        STYLES: styles(),
        STRINGS: f"<sst {MAIN}></sst>",
        SHEET: sheet,
        **(parts or {}),
    }
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, part in content.items():
            if part is not None:
                archive.writestr(name, part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
    return path


def relations(**targets: tuple[str, str]) -> str:
    """A part of relations: kind and target by id."""
    inside = "".join(
        f'<Relationship Id="{name}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def book(sheets: str, properties: str = "") -> str:
    return f'<workbook {MAIN} xmlns:r="{RELATIONS}">{properties}<sheets>{sheets}</sheets></workbook>'


def styles(*formats: str) -> str:
    """Styles 1, 2, …: numbers in these formats."""
    codes = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for n, code in enumerate(formats)
    )
    xfs = "".join(f'<xf numFmtId="{number}"/>' for number in (0, *range(164, 164 + len(formats))))
    return f"<styleSheet {MAIN}><numFmts>{codes}</numFmts><cellXfs>{xfs}</cellXfs></styleSheet>"


def worksheet(*rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{''.join(rows)}</sheetData></worksheet>"


def header(source: str = "pos", number: int = 1, headers: Mapping[str, str] | None = None) -> str:
    """The row of the headers, with other ones by field."""
    names = {column.field: column.header for column in columns.load(source).columns} | dict(headers or {})
    return row(number, {field: text(names[field]) for field in SAMPLES[source]}, source)


def data(number: int, key: object, source: str = "pos", **cells: str) -> str:
    """A row of the sample under a key, with the cells of some fields as XML (see `text` and `number`)."""
    sample = {field: text(str(cell)) for field, cell in SAMPLES[source].items() if isinstance(cell, str | int)}
    return row(number, {**sample, columns.load(source).key: text(str(key)), **cells}, source)


def row(number: int, cells: Mapping[str, str], source: str = "pos") -> str:
    """A row with cells by field, each `<c{} …>` with a place for its address."""
    letters = {field: get_column_letter(n) for n, field in enumerate(SAMPLES[source], 1)}
    inside = "".join(cell.replace("{}", f'r="{letters[field]}{number}"', 1) for field, cell in cells.items())
    return f'<row r="{number}">{inside}</row>'


def text(value: str) -> str:
    return raw_text(escape(value))


def raw_text(xml: str) -> str:
    return f'<c {{}} t="inlineStr"><is><t>{xml}</t></is></c>'


def cell(value: str, kind: str = "n", style: int = 0, formula: str = "") -> str:
    """A cell with a value as it is written, of some type and style."""
    return f'<c {{}} s="{style}" t="{kind}">{formula}<v>{value}</v></c>'


def patch_directory(path: Path, part: str, field: str, value: int) -> None:
    """Change what the directory of the zip, not the part itself, says of a part."""
    place, kind = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<L"), "offset": (42, "<L")}[field]
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    while content[start + 46 : start + 46 + len(part)] != part.encode():
        start = content.index(b"PK\x01\x02", start + 4)
    struct.pack_into(kind, content, start + place, value)
    path.write_bytes(content)
