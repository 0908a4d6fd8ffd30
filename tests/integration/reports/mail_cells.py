"""Reads the numbers out of a delivered mail, and the same numbers out of schema `bi`."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import unquote

from psycopg2.extensions import cursor as Cursor

KEYS = {
    "rpt_data_quality": ("source",),
    "rpt_weekly_region": ("week_start", "source"),
    "rpt_weekly_municipality": ("week_start", "oktmo", "source"),
    "rpt_weekly_topic": ("week_start", "oktmo", "topic_group", "topic"),
    "rpt_weekly_authority": ("week_start", "authority"),
    "rpt_daily_summary": ("date", "oktmo", "source"),
    "rpt_daily_overdue": ("date", "message_id"),
    "fct_municipality_daily": ("date", "oktmo", "topic_group"),
}


@dataclass(frozen=True)
class MailCell:
    """One number of a mail: its address in `bi`, the exact value («» for null), what the reader sees."""

    path: str
    value: str
    text: str

    @property
    def column(self) -> str:
        return self.path.rpartition("/")[2]


def html_of(mail: EmailMessage) -> str:
    """The HTML part of a mail."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def cells(html: str) -> list[MailCell]:
    """Every element with `data-cell`, in the order of the page."""
    parser = _CellParser()
    parser.feed(html)
    return parser.cells


def value_in_bi(cursor: Cursor, cell: MailCell) -> float | None:
    """The number that `bi` has at the cell's address; AssertionError unless there is exactly one."""
    table, *key, column = (unquote(part) for part in cell.path.split("/"))
    conditions = list(zip(KEYS[table], key, strict=True))
    value = column
    if table == "fct_municipality_daily":
        value = f"sum({column})::bigint"
        conditions = [(name, part) for name, part in conditions if (name, part) != ("oktmo", "all")]
    where = " and ".join(f"{name}::text = %s" for name, _ in conditions)
    cursor.execute(f"select {value} from bi.{table} where {where}", [part for _, part in conditions])
    rows = cursor.fetchall()
    assert len(rows) == 1, f"{cell.path}: {len(rows)} rows"
    found: float | None = rows[0][0]
    return found


class _CellParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[MailCell] = []
        self._open: tuple[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if "data-cell" in attributes:
            self._open = attributes["data-cell"] or "", attributes["data-value"] or ""
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == "span":
            self.cells.append(MailCell(*self._open, self._text))
            self._open = None
