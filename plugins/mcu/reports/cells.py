"""A number in a mail carries its address in the marts, so that a test can compare every one of them."""

from __future__ import annotations

from markupsafe import Markup

from mcu.reports.format import shown
from mcu.reports.query import Row

_CELL = Markup('<span data-cell="{}" data-value="{}">{}</span>')


def cell(row: Row, column: str) -> Markup:
    """`<span data-cell="table/key/column" data-value="1234">1 234</span>`; a null has an empty data-value."""
    value = row[column]
    return _CELL.format(row.path(column), "" if value is None else repr(value), shown(column, value))
