"""A document as the HTML of a mail: Jinja2 (everything from data escaped) → MJML → HTML. Needs no network.

A number carries its address in the marts, so that a test can compare every one of them.
"""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

from markupsafe import Markup
from mjml import mjml2html

from mcu.reports import document, format
from mcu.reports.document import Block, Document, Line, Number, Piece
from mcu.reports.pages import template

_CELL = Markup('<span data-cell="{}" data-value="{}">{}</span>')
_NO_DATA = Markup('<span class="pale">{}</span>')


def render(made: Document) -> str:
    """The HTML part; its pictures are `cid:` and the content id of their name."""
    mjml = template("mail.mjml.j2", content_id=content_id, kind=_kind, hyphenated=format.hyphenated).render(
        document=made, line=partial(_line, timezone=made.timezone)
    )
    return str(mjml2html(mjml, fonts={}))


def content_id(name: str) -> str:
    """By which the HTML refers to the picture of this name."""
    return f"{name}@report"


def _kind(block: Block) -> str:
    return type(block).__name__


def _line(line: Line, timezone: ZoneInfo) -> Markup:
    return Markup("").join(_piece(piece, timezone) for piece in line)


def _piece(piece: Piece, timezone: ZoneInfo) -> Markup | str:
    if isinstance(piece, Number):
        return number(piece)
    return document.line_text((piece,), timezone)


def number(shown: Number) -> Markup:
    """`<span data-cell="table/key/column" data-value="1234">1 234</span>`; a null has an empty data-value."""
    cell = _CELL.format(shown.path, "" if shown.value is None else repr(shown.value), shown.text)
    return _NO_DATA.format(cell) if shown.value is None else cell
