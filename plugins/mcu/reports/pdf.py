"""One edition as a PDF for print: its texts as JSON, set by Typst as `templates/report.typ` says. Needs no network."""

from __future__ import annotations

import base64
import heapq
import json
import re
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import typst

from mcu.reports.document import Block, Column, Document, Picture, Table, Tile, Tiles, Words
from mcu.reports.format import moment, one_line, shortened

BREAKABLE_WORD = 25  # letters; the template breaks longer words anywhere, and a table makes no room for them
WISHED_LINE = 60  # a table makes no room for more of a line
MEASURED = 3  # the longest by letters may not be the longest by millimetres
LONGEST_TITLE, FOOTER_NAME = 200, 60  # a title is kept with what follows, so it must leave room on the page
PNG_BEGINS = b"\x89PNG\r\n\x1a\n"

_BETWEEN_WORDS = re.compile(r"[\s\-]+(?<!\u00a0)")


def render(document: Document) -> bytes:
    """A PDF, A4 upright, of everything but the tables that are for the workbook; equal documents give equal bytes.

    Raises ValueError if a picture is no PNG.
    """
    # The wheel's types do not tell that it takes files by name.
    files: Any = _files(document)
    content: bytes = typst.compile(files, font_paths=_fonts(), timestamp=int(document.as_of.timestamp()))
    return content


@cache
def _fonts() -> typst.Fonts:
    """Fonts that come with matplotlib, so that a page looks the same on every machine."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


@cache
def _template() -> bytes:
    return (Path(__file__).parent / "templates" / "report.typ").read_bytes()


def _files(document: Document) -> dict[str, bytes]:
    """What the template sees, by name. Data stays out of the template's text, so nothing in it can be a command."""
    pictures = {_file(block): _svg(block) for block in document.blocks if isinstance(block, Picture)}
    data = json.dumps(_data(document), ensure_ascii=False).encode()
    return {"main.typ": _template(), "data.json": data, **pictures}


def _file(picture: Picture) -> str:
    return f"{picture.name}.svg"


def _svg(picture: Picture) -> bytes:
    """The PNG inside an SVG: Typst's wheel takes files from memory only as UTF-8."""
    if picture.png[:8] != PNG_BEGINS:
        raise ValueError(f"picture {picture.name} is no PNG")
    width, height = struct.unpack(">II", picture.png[16:24])
    size = f'width="{width}" height="{height}"'
    content = base64.b64encode(picture.png).decode()
    image = f'<image {size} href="data:image/png;base64,{content}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{image}</svg>'.encode()


def _data(document: Document) -> dict[str, Any]:
    exports = (f"{one_line(name)} — {moment(at, document.timezone)}" for name, at in document.freshness)
    name, dates = _title(document.name), one_line(document.dates)
    return {
        "subject": one_line(document.subject),
        "heading": one_line(document.heading),
        "name": name,
        "dates": dates,
        "footer": f"{shortened(name, FOOTER_NAME)} · {dates}",
        "as_of": f"Данные на {moment(document.as_of, document.timezone)}.",
        "freshness": f"Выгрузки: {'; '.join(exports)}" if document.freshness else "",
        "warnings": [one_line(warning) for warning in document.warnings],
        "sentences": [document.text(sentence) for sentence in document.sentences],
        "blocks": [_block(document, block) for block in document.blocks if not _is_elsewhere(block)],
        "definitions": one_line(document.definitions),
        "quality": [{"title": one_line(title), "line": document.text(line)} for title, line in document.quality],
        "breakable_word": BREAKABLE_WORD,
    }


def _title(text: str) -> str:
    return shortened(one_line(text), LONGEST_TITLE)


def _is_elsewhere(block: Block) -> bool:
    return isinstance(block, Table) and block.is_for_workbook


def _block(document: Document, block: Block) -> dict[str, Any]:
    if isinstance(block, Tiles):
        return {"kind": "tiles", "items": [_tile(document, tile) for tile in block.items]}
    common = {"kind": type(block).__name__.lower(), "title": _title(block.title), "note": document.text(block.note)}
    match block:
        case Words():
            return common | {"lines": [document.text(line) for line in block.lines]}
        case Picture():
            return common | {"file": _file(block), "alt": one_line(block.alt)}
        case Table():
            return common | _table(document, block)


def _tile(document: Document, tile: Tile) -> dict[str, str]:
    return {"title": one_line(tile.title), "number": tile.number.text, "below": document.text(tile.below)}


def _table(document: Document, table: Table) -> dict[str, Any]:
    rows = [
        [
            {
                "line": document.text(cell.line),
                "below": [document.text(line) for line in cell.below],
                "tone": cell.tone,
                "is_strong": cell.is_strong,
            }
            for cell in row
        ]
        for row in table.rows
    ]
    columns = [
        {
            "title": _title(column.title),
            "is_text": column.is_text,
            "has_strong": any(row[place].is_strong for row in table.rows),
        }
        | _longest(column, [text for row in rows for text in _texts(row[place])])
        for place, column in enumerate(table.columns)
    ]
    return {"columns": columns, "rows": rows}


def _texts(cell: dict[str, Any]) -> list[str]:
    return [cell["line"], *cell["below"]]


def _longest(column: Column, lines: list[str]) -> dict[str, list[str]]:
    """What a column has to have room for, and what it would like to; numbers stay on one line."""
    texts = [_title(column.title), *(lines if column.is_text else [])]
    words = [word for text in texts for word in _BETWEEN_WORDS.split(text)]
    return {
        "unbroken": _longest_of(BREAKABLE_WORD, words if column.is_text else words + lines),
        "lines": _longest_of(WISHED_LINE, lines),
    }


def _longest_of(limit: int, texts: Iterable[str]) -> list[str]:
    return heapq.nlargest(MEASURED, {text[:limit] for text in texts}, key=lambda text: (len(text), text))
