"""Reads the numbers out of a delivered mail, and the same numbers out of schema `bi`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
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


class Marts:
    """Schema `bi` as a cursor's transaction sees it; what has been read of it is kept."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._fetched: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
        self._tables: dict[tuple[str, str], dict[tuple[str, ...], Mapping[str, Any]]] = {}

    def value(self, path: str) -> float | None:
        """The number at an address; AssertionError unless there is exactly one.

        What no mart holds as one value is reckoned here, in Python, from the rows of the mart.
        """
        table, *key, column = (unquote(part) for part in path.split("/"))
        if table in RECKONED:
            return RECKONED[table](self, key, column)
        assert len(key) == len(KEYS[table]), path
        rows = self._rows(table, key[0])
        assert tuple(key) in rows, f"{path}: no row"
        found: float | None = rows[tuple(key)][column]
        return found

    def fetched(self, statement: str, parameters: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, asked for once."""
        asked = statement, tuple(parameters)
        if asked not in self._fetched:
            self._cursor.execute(*asked)
            self._fetched[asked] = self._cursor.fetchall()
        return self._fetched[asked]

    def _rows(self, table: str, first: str) -> dict[tuple[str, ...], Mapping[str, Any]]:
        """The table's rows of one day, week or source, by their key."""
        if (table, first) not in self._tables:
            keys = [f"{name}::text" for name in KEYS[table]]
            self._cursor.execute(f"select {', '.join(keys)}, * from bi.{table} where {keys[0]} = %s", [first])
            names = [column.name for column in self._cursor.description or ()]
            rows = self._cursor.fetchall()
            by_key: dict[tuple[str, ...], Mapping[str, Any]] = {
                row[: len(keys)]: dict(zip(names, row, strict=True)) for row in rows
            }
            assert len(by_key) == len(rows), f"bi.{table}: a key stands twice"
            self._tables[table, first] = by_key
        return self._tables[table, first]


def _topics_of_day(marts: Marts, key: Sequence[str], column: str) -> int:
    day, oktmo, group = key
    statement = f"select oktmo, topic_group, {column} from bi.fct_municipality_daily where date = %s"
    counts = [
        count for place, its, count in marts.fetched(statement, [day]) if its == group and oktmo in (place, "all")
    ]
    return int(sum(counts))


def _topics_of_week(marts: Marts, key: Sequence[str], column: str) -> float:
    first, oktmo, group = date.fromisoformat(key[0]), *key[1:]
    rows = marts.fetched("select date, topic_group, received from bi.fct_municipality_daily where oktmo = %s", [oktmo])
    received = int(sum(count for day, its, count in rows if its == group and 0 <= (day - first).days < 7))
    if column == "received":
        return received
    ((population,),) = marts.fetched("select population from bi.dim_municipality where oktmo = %s", [oktmo])
    return received / int(population) * 10000


def _by_channel(marts: Marts, key: Sequence[str], column: str) -> int:
    """The period is a week if it begins on a Monday: the worlds of the tests have no daily report of one."""
    first, oktmo, source, channel = date.fromisoformat(key[0]), *key[1:]
    days = 7 if first.weekday() == 0 else 1
    kind = {"received": "true", "fast_track": "is_fast_track", "formal_59fz": "is_formal_59fz"}[column]
    rows = marts.fetched(
        f"select created_at, oktmo, {kind} from bi.fct_message where source = %s and channel = %s", [source, channel]
    )
    return sum(
        is_counted
        for created_at, place, is_counted in rows
        if oktmo in (place, "all") and 0 <= (created_at.astimezone(MOSCOW).date() - first).days < days
    )


def _middle(values: Sequence[float]) -> float | None:
    """As SQL interpolates between the two in the middle: to the last bit."""
    if not values:
        return None
    ranked = sorted(values)
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    return float(low + 0.5 * (high - low))


def _median_of_weeks(marts: Marts, key: Sequence[str], column: str) -> float | None:
    week, oktmo, source = date.fromisoformat(key[0]), *key[1:]
    view, place = ("rpt_weekly_region", "'all'") if oktmo == "all" else ("rpt_weekly_municipality", "oktmo")
    statement = f"select week_start, {column} from bi.{view} where source = %s and {place} = %s"
    rows = marts.fetched(statement, [source, oktmo])
    return _middle([value for start, value in rows if 0 < (week - start).days <= 8 * 7 and value is not None])


def _median_of_municipalities(marts: Marts, key: Sequence[str], column: str) -> float | None:
    rows = marts.fetched(
        f"select zone, {column} from bi.rpt_weekly_municipality join bi.dim_municipality using (oktmo)"
        " where week_start = %s and source = %s and type <> 'oblast'",
        key,
    )
    is_of_answers = column != "received_per_10k"
    return _middle([value for zone, value in rows if value is not None and not (is_of_answers and zone == "few")])


RECKONED: Mapping[str, Callable[[Marts, Sequence[str], str], float | None]] = {
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
