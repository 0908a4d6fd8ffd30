"""When an export was made: told by the file's name, else by the document's properties, else by the file system."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile
from zoneinfo import ZoneInfo

CORE_PROPERTIES = "docProps/core.xml"
CORE_PROPERTIES_LIMIT = 1 << 20  # bytes; they are some hundreds
TERMS = "{http://purl.org/dc/terms/}"

# What an archive without properties, encrypted, or damaged at any place makes its readers raise.
DAMAGED = (BadZipFile, zlib.error, EOFError, LookupError, ValueError, RuntimeError, ElementTree.ParseError)


class ExportedAt(NamedTuple):
    """The moment, with time zone, and what told it: `file_name`, `document` or `modified_time`."""

    moment: dt.datetime
    told_by: str


def exported_at(path: Path, timezone: ZoneInfo, pattern: re.Pattern[str]) -> ExportedAt:
    """When the export at `path` was made; raises OSError if the file cannot be read.

    `pattern` finds `date` (YYYY-MM-DD) and perhaps `time` (HH-MM) in the name; the last match counts. A date without
    time means the document's own time if that is of this day, else the end of the day: the next midnight.
    """
    named = _from_name(path.stem, pattern)
    if isinstance(named, dt.datetime):
        return ExportedAt(named.replace(tzinfo=timezone), "file_name")
    document = _from_document(path, timezone)
    if named is not None:
        if document is not None and document.date() == named:
            return ExportedAt(document, "file_name")
        return ExportedAt(dt.datetime.combine(named + dt.timedelta(days=1), dt.time(), timezone), "file_name")
    if document is not None:
        return ExportedAt(document, "document")
    return ExportedAt(dt.datetime.fromtimestamp(path.stat().st_mtime, timezone), "modified_time")


def _from_name(name: str, pattern: re.Pattern[str]) -> dt.datetime | dt.date | None:
    """Local date and time, or a date alone; None if the name has none or an impossible one."""
    matches = list(pattern.finditer(name))
    if not matches:
        return None
    parts = matches[-1].groupdict()
    try:
        day = dt.date.fromisoformat(parts["date"])
        return (
            dt.datetime.combine(day, dt.time.fromisoformat(parts["time"].replace("-", ":")))
            if parts.get("time")
            else day
        )
    except ValueError:
        return None


def _from_document(path: Path, timezone: ZoneInfo) -> dt.datetime | None:
    """Created, else modified; None without readable properties."""
    archive = BytesIO(path.read_bytes())
    try:
        with ZipFile(archive) as parts, parts.open(CORE_PROPERTIES) as file:
            root = ElementTree.fromstring(file.read(CORE_PROPERTIES_LIMIT))
    except DAMAGED:
        return None  # the reader of the rows says what is wrong with the workbook, if anything is
    for term in ("created", "modified"):
        if moment := _w3c_moment(root.findtext(TERMS + term)):
            return moment.astimezone(timezone)
    return None


def _w3c_moment(text: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
