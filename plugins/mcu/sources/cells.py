"""One cell to its canonical text, by the type of its column.

Whatever Excel and the exporting system made of a value, the same value gives the same text: content can be
compared by hash, and the warehouse can cast it. A cell that cannot be read as its type stays the text it was.

| type | canonical text |
|---|---|
| key | nothing but what can be seen, no spaces; an integral number without its fraction |
| date | DD.MM.YYYY |
| timestamp | YYYY-MM-DD HH:MM:SS, fraction of the second dropped |
| duration | [-]H:MM:SS.mmm, hours unbounded |
| score, integer | digits |
| boolean | Да or Нет |
| text, cabinet | as it came |
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

Cell = str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta

DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T].*)?", re.ASCII)
ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T].*)?", re.ASCII)
TIME_OF_DAY = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?"
TIMESTAMP = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + TIME_OF_DAY, re.ASCII)
ISO_TIMESTAMP = re.compile(r"(\d{4})-(\d{2})-(\d{2})" + TIME_OF_DAY, re.ASCII)
CANONICAL_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
DURATION = re.compile(
    r"(?:(?P<days>[+-]?\d{1,6}) ?(?:days?|день|дня|дней|дн\.),? ?)?"
    r"(?P<sign>[+-]?)(?P<h>\d{1,8}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?",
    re.ASCII,
)
EXACT = 10**15  # Excel keeps 15 digits of a number
INTEGRAL = re.compile(r"([+-]?\d+)[.,]0+", re.ASCII)

# Excel counts days from here; it believes in 29 February 1900, so that early days are one off.
EXCEL_EPOCH = dt.datetime(1899, 12, 30)
EXCEL_LEAP_DAY = dt.datetime(1900, 3, 1)
LAST_DAY_OF_A_DURATION = dt.datetime(1910, 1, 1)
LONGEST_DURATION = (LAST_DAY_OF_A_DURATION - EXCEL_EPOCH).days


def text(cell: Cell) -> str | None:
    """Text of a cell; None for an empty cell, `-` and a lone apostrophe."""
    if isinstance(cell, str):
        return _clean(cell)
    if isinstance(cell, bool):
        return "Да" if cell else "Нет"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return _date(cell)
    if isinstance(cell, dt.time | dt.timedelta):
        return _duration(_milliseconds(cell))
    return str(cell)


def key(cell: Cell) -> str | None:
    """A key; a number whose last digits Excel has lost comes in its scientific notation, which no key has."""
    if isinstance(cell, float) and abs(cell) >= EXACT:
        return f"{cell:.14E}"
    value = integer(cell)
    value = value and "".join(value.split())
    if value and not value.isprintable():
        value = "".join(filter(str.isprintable, value))
    return value or None


def integer(cell: Cell) -> str | None:
    value = text(cell)
    integral = value and INTEGRAL.fullmatch(value)
    return integral[1] if integral else value


def date(cell: Cell) -> str | None:
    if isinstance(cell, dt.date):  # a datetime is one too
        return _date(cell)
    value = text(cell)
    if value is None:
        return None
    if found := DATE.fullmatch(value):
        day, month, year = found.groups()
    elif found := ISO_DATE.fullmatch(value):
        year, month, day = found.groups()
    else:
        return value
    try:
        return _date(dt.date(int(year), int(month), int(day)))
    except ValueError:
        return value


def timestamp(cell: Cell) -> str | None:
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()} 00:00:00"
    value = text(cell)
    if value is None or CANONICAL_TIMESTAMP.fullmatch(value):
        return value
    if found := TIMESTAMP.fullmatch(value):
        day, month, year, *time = found.groups()
    elif found := ISO_TIMESTAMP.fullmatch(value):
        year, month, day, *time = found.groups()
    else:
        return value
    try:
        hour, minute, second = (int(part or 0) for part in time)
        moment = dt.datetime(int(year), int(month), int(day), hour, minute, second)
    except ValueError:
        return value
    return moment.isoformat(" ", "seconds")


def duration(cell: Cell) -> str | None:
    if isinstance(cell, dt.time | dt.timedelta):
        return _duration(_milliseconds(cell))
    if isinstance(cell, dt.date):
        elapsed = _since_excel_epoch(cell)
        return text(cell) if elapsed is None else _duration(_milliseconds(elapsed))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _duration(round(cell * 86_400_000))
    value = text(cell)
    found = value and DURATION.fullmatch(value)
    if not found:
        return value
    seconds = (int(found["h"]) * 60 + int(found["m"])) * 60_000 + round(
        float((found["s"] or "0").replace(",", ".")) * 1000
    )
    return _duration(int(found["days"] or 0) * 86_400_000 + (-seconds if found["sign"] == "-" else seconds))


CONVERTERS: dict[str, Callable[[Cell], str | None]] = {
    "key": key,
    "date": date,
    "timestamp": timestamp,
    "duration": duration,
    "score": integer,
    "integer": integer,
    "boolean": text,
    "text": text,
    "cabinet": text,
}


def _clean(value: str) -> str | None:
    if "\x00" in value:  # PostgreSQL has no such character
        value = value.replace("\x00", "")
    value = value.strip()
    if value.startswith("'"):
        value = value[1:].strip()
    return None if value in {"", "-", "'"} else value


def _date(day: dt.date) -> str:
    return f"{day.day:02}.{day.month:02}.{day.year:04}"


def _since_excel_epoch(cell: dt.date) -> dt.timedelta | None:
    """What a duration in a calendar format was; None where it can only be a date."""
    moment = cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())
    if moment >= LAST_DAY_OF_A_DURATION:
        return None
    elapsed = moment - EXCEL_EPOCH
    return elapsed if moment >= EXCEL_LEAP_DAY else elapsed - dt.timedelta(days=1)


def _milliseconds(cell: dt.time | dt.timedelta) -> int:
    if isinstance(cell, dt.time):
        cell = dt.timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second, microseconds=cell.microsecond)
    return round(cell / dt.timedelta(milliseconds=1))


def _duration(milliseconds: int) -> str:
    seconds, fraction = divmod(abs(milliseconds), 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{'-' if milliseconds < 0 else ''}{hours}:{minute:02}:{second:02}.{fraction:03}"
