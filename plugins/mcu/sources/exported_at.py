"""When an export was made: told by the file's name, else by the document's properties, else by the file system."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from mcu.sources.package import Package, WorkbookError

CORE_PROPERTIES = "docProps/core.xml"
CORE_PROPERTIES_LIMIT = 1 << 20  # bytes; they are some hundreds
TERMS = "{http://purl.org/dc/terms/}"
YEARS = range(2000, 2100)  # a year of another century is a slip


class ExportedAt(NamedTuple):
    """The moment, with time zone, and what told it: `file_name`, `document` or `modified_time`."""

    moment: dt.datetime
    told_by: str


def exported_at(path: Path, name: str, modified: dt.datetime, pattern: re.Pattern[str]) -> ExportedAt:
    """When the export at `path`, called `name` and changed at `modified` (time zone of the region), was made.

    `pattern` finds `date` (YYYY-MM-DD) and perhaps `time` (HH-MM) in the name; the last match counts. A date without
    time means the document's own time if that is of this day, else the end of the day: the next midnight.
    Raises OSError if the file cannot be read.
    """
    timezone = modified.tzinfo
    assert isinstance(timezone, ZoneInfo)
    day, time = _in_name(name, pattern)
    if day and time:
        return ExportedAt(dt.datetime.combine(day, time, timezone), "file_name")
    document = _from_document(path, timezone)
    if day:
        is_of_that_day = document is not None and document.date() == day
        return ExportedAt(document if document and is_of_that_day else _end_of(day, timezone), "file_name")
    return ExportedAt(document, "document") if document else ExportedAt(modified, "modified_time")


def from_name(name: str, timezone: ZoneInfo, pattern: re.Pattern[str]) -> dt.datetime | None:
    """What the name alone tells, see `exported_at`; None if nothing."""
    day, time = _in_name(name, pattern)
    if day is None:
        return None
    return dt.datetime.combine(day, time, timezone) if time else _end_of(day, timezone)


def from_seconds(seconds: float, timezone: ZoneInfo) -> dt.datetime:
    """A file's modification time; one that no clock shows counts as the nearest that some does."""
    first, last = (dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp() for year in (YEARS.start, YEARS.stop))
    return dt.datetime.fromtimestamp(min(max(seconds, first), last), timezone)


def _end_of(day: dt.date, timezone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), timezone)


def _in_name(name: str, pattern: re.Pattern[str]) -> tuple[dt.date | None, dt.time | None]:
    """Local date and time, as far as the name has them; nothing if they are impossible."""
    matches = list(pattern.finditer(PurePosixPath(name).stem))
    if not matches:
        return None, None
    parts = matches[-1].groupdict()
    try:
        day = dt.date.fromisoformat(parts["date"])
        time = dt.time.fromisoformat(parts["time"].replace("-", ":")) if parts.get("time") else None
    except ValueError:
        return None, None
    return (day, time) if day.year in YEARS else (None, None)


def _from_document(path: Path, timezone: ZoneInfo) -> dt.datetime | None:
    """Created, else modified; None without readable properties."""
    try:
        with Package(path) as package:
            content = _start_of(package.stream(CORE_PROPERTIES))
        if b"<!DOCTYPE" in content:
            return None  # its entities could unfold to any size
        root = ElementTree.fromstring(content)
    except (WorkbookError, ElementTree.ParseError, LookupError, ValueError):
        return None  # the reader of the rows says what is wrong with the workbook, if anything is
    for term in ("created", "modified"):
        if moment := _w3c_moment(root.findtext(TERMS + term)):
            return moment.astimezone(timezone)
    return None


def _start_of(chunks: Iterator[bytes]) -> bytes:
    content = b""
    for chunk in chunks:
        content += chunk
        if len(content) > CORE_PROPERTIES_LIMIT:
            break
    return content


def _w3c_moment(text: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
