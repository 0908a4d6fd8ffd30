"""Reads the numbers out of a delivered mail, and the same numbers out of schema `bi`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from psycopg2.extensions import cursor as Cursor

KEYS = {
    "rpt_data_quality": ("source",),
    "rpt_weekly_region": ("week_start", "source"),
    "rpt_weekly_municipality": ("week_start", "oktmo", "source"),
    "rpt_weekly_topic": ("week_start", "oktmo", "topic_group", "topic"),
    "rpt_weekly_authority": ("week_start", "authority"),
    "rpt_daily_summary": ("date", "oktmo", "source"),
    "rpt_daily_overdue": ("date", "message_id"),
    "rpt_hotspot": ("date", "oktmo", "topic_group", "window_days"),
    "rpt_emerging_topic": ("week_start", "oktmo", "topic_group", "topic"),
    "rpt_answer_quality": ("week_start", "authority"),
}
MOSCOW = ZoneInfo("Europe/Moscow")


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
    """The number that `bi` has at the cell's address; AssertionError unless there is exactly one.

    What no mart holds as one value is reckoned here, in Python, from the rows of the mart.
    """
    table, *key, column = (unquote(part) for part in cell.path.split("/"))
    if table in RECKONED:
        return RECKONED[table](cursor, key, column)
    where = " and ".join(f"{name}::text = %s" for name in KEYS[table])
    assert len(key) == len(KEYS[table]), cell.path
    cursor.execute(f"select {column} from bi.{table} where {where}", key)
    rows = cursor.fetchall()
    assert len(rows) == 1, f"{cell.path}: {len(rows)} rows"
    found: float | None = rows[0][0]
    return found


def _topics_of_day(cursor: Cursor, key: Sequence[str], column: str) -> int:
    day, oktmo, group = key
    cursor.execute(f"select oktmo, topic_group, {column} from bi.fct_municipality_daily where date = %s", [day])
    counts = [count for place, its, count in cursor.fetchall() if its == group and oktmo in (place, "all")]
    return int(sum(counts))


def _topics_of_week(cursor: Cursor, key: Sequence[str], column: str) -> float:
    first, oktmo, group = date.fromisoformat(key[0]), *key[1:]
    cursor.execute("select date, topic_group, received from bi.fct_municipality_daily where oktmo = %s", [oktmo])
    counts = [count for day, its, count in cursor.fetchall() if its == group and 0 <= (day - first).days < 7]
    received = int(sum(counts))
    if column == "received":
        return received
    cursor.execute("select population from bi.dim_municipality where oktmo = %s", [oktmo])
    ((population,),) = cursor.fetchall()
    return received / int(population) * 10000


def _by_channel(cursor: Cursor, key: Sequence[str], column: str) -> int:
    """The period is a week if it begins on a Monday: the worlds of the tests have no daily report of one."""
    first, oktmo, source, channel = date.fromisoformat(key[0]), *key[1:]
    days = 7 if first.weekday() == 0 else 1
    kind = {"received": "true", "fast_track": "is_fast_track", "formal_59fz": "is_formal_59fz"}[column]
    cursor.execute(
        f"select created_at, oktmo, {kind} from bi.fct_message where source = %s and channel = %s", [source, channel]
    )
    return sum(
        is_counted
        for created_at, place, is_counted in cursor.fetchall()
        if oktmo in (place, "all") and 0 <= (created_at.astimezone(MOSCOW).date() - first).days < days
    )


def _middle(values: Sequence[float]) -> float | None:
    """As SQL interpolates between the two in the middle: to the last bit."""
    if not values:
        return None
    ranked = sorted(values)
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    return float(low + 0.5 * (high - low))


def _median_of_weeks(cursor: Cursor, key: Sequence[str], column: str) -> float | None:
    week, oktmo, source = date.fromisoformat(key[0]), *key[1:]
    view, place = ("rpt_weekly_region", "'all'") if oktmo == "all" else ("rpt_weekly_municipality", "oktmo")
    cursor.execute(f"select week_start, {column} from bi.{view} where source = %s and {place} = %s", [source, oktmo])
    values = [value for start, value in cursor.fetchall() if 0 < (week - start).days <= 8 * 7 and value is not None]
    return _middle(values)


def _median_of_municipalities(cursor: Cursor, key: Sequence[str], column: str) -> float | None:
    cursor.execute(
        f"select zone, {column} from bi.rpt_weekly_municipality join bi.dim_municipality using (oktmo)"
        " where week_start = %s and source = %s and type <> 'oblast'",
        key,
    )
    values = [
        value
        for zone, value in cursor.fetchall()
        if value is not None and (column == "received_per_10k" or zone != "few")
    ]
    return _middle(values)


RECKONED: Mapping[str, Callable[[Cursor, Sequence[str], str], float | None]] = {
    "topics_of_day": _topics_of_day,
    "topics_of_week": _topics_of_week,
    "messages_by_channel": _by_channel,
    "median_of_weeks": _median_of_weeks,
    "median_of_municipalities": _median_of_municipalities,
}


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
