"""How numbers, dates and words look in a Russian report. Nothing is computed here but rounding."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SOFT_HYPHEN = "\N{SOFT HYPHEN}"
NO_DATA = "нет данных"

REPORTS = {"daily": "Отчёт за день", "weekly": "Недельный отчёт"}

MONTHS = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
WEEKDAYS = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]
_SYLLABLE = re.compile(r"(?<=[А-яё]{2}[аеёиоуыэюя])(?=[бвгджзйклмнпрстфхцчшщ][аеёиоуыэюя][а-яё])")
_INVISIBLE = re.compile(r"[\u061c\u200b-\u200f\u2060-\u2064\ufeff\ufffe\uffff]")
_BREAKING_OR_UNPRINTABLE = re.compile(r"(?:[^\S\u00a0]|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069])+")


def one_line(text: str) -> str:
    """Text from data as one line: each run of spaces, control and direction characters becomes one space, marks that
    nobody sees go.

    A no-break space stays: it holds a number and its unit together.
    """
    return _BREAKING_OR_UNPRINTABLE.sub(" ", _INVISIBLE.sub("", text)).strip()


def integer(value: float) -> str:
    """1234 → «1 234»."""
    digits = f"{abs(round(value)):,}".replace(",", NBSP)
    return f"{MINUS}{digits}" if round(value) < 0 else digits


def signed(value: float) -> str:
    """12 → «+12», -3 → «−3», 0 → «0»."""
    return f"+{integer(value)}" if round(value) > 0 else integer(value)


def decimal(value: float) -> str:
    """12.345 → «12,3»."""
    whole, tenth = f"{abs(value):,.1f}".replace(",", NBSP).split(".")
    return f"{MINUS if value < 0 else ''}{whole},{tenth}"


def share(value: float) -> str:
    """0.875 → «87,5 %»."""
    return f"{decimal(value * 100)}{NBSP}%"


def percent_change(value: float) -> str:
    """12.4 (percent) → «+12 %»."""
    return f"{signed(value)}{NBSP}%"


def minutes(value: float) -> str:
    """200 → «3 ч 20 мин»."""
    hours, rest = divmod(round(value), 60)
    parts = [f"{integer(hours)}{NBSP}ч"] if hours else []
    parts += [f"{rest}{NBSP}мин"] if rest or not hours else []
    return " ".join(parts)


# First match wins; a column that matches none is a count.
_BY_ENDING: list[tuple[str, Callable[[float], str]]] = [
    ("_delta", signed),
    ("_delta_pct", percent_change),
    ("_share", share),
    ("share_of_received", share),
    ("_minutes", minutes),
    ("_per_10k", decimal),
    ("expected", decimal),
]


def form(column: str) -> Callable[[float], str]:
    """How numbers of a mart's column are written, by its name: one of the functions above."""
    return next((form for ending, form in _BY_ENDING if column.endswith(ending)), integer)


def shown(column: str, value: float | None) -> str:
    """A mart's number as a reader sees it, by the name of its column; null is «нет данных»."""
    return NO_DATA if value is None else form(column)(value)


def plural(count: int, one: str, few: str, many: str) -> str:
    """The form that goes with `count`: 1 сообщение, 2 сообщения, 5 сообщений."""
    tens, units = count // 10 % 10, count % 10
    if tens == 1 or units == 0 or units >= 5:
        return many
    return one if units == 1 else few


def day(value: date) -> str:
    """22 ноября 2026."""
    return f"{value.day}{NBSP}{MONTHS[value.month - 1]} {value.year}"


def day_and_weekday(value: date) -> str:
    """22 ноября 2026, воскресенье."""
    return f"{day(value)}, {WEEKDAYS[value.weekday()]}"


def day_range(start: date, end: date) -> str:
    """From `start` to the day before `end`: «16–22 ноября 2026», «30 ноября – 6 декабря 2026»."""
    last = end - timedelta(days=1)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}{DASH}{day(last)}"
    first = day(start) if start.year != last.year else f"{start.day}{NBSP}{MONTHS[start.month - 1]}"
    return f"{first} {DASH} {day(last)}"


def moment(value: datetime | None, timezone: ZoneInfo) -> str:
    """23.11.2026 06:00, local time of the region."""
    return f"{value.astimezone(timezone):%d.%m.%Y{NBSP}%H:%M}" if value else NO_DATA


def short_municipality(name: str) -> str:
    """«город Таганрог» → «Таганрог»; a district keeps its name."""
    return name.removeprefix("город ")


def hyphenated(text: str) -> str:
    """With soft hyphens where a long Russian word may break: before a syllable, three letters from both ends."""
    return _SYLLABLE.sub(SOFT_HYPHEN, text)


def shortened(text: str, length: int) -> str:
    """At most `length` characters, cut at a word with «…»."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[length // 2 :] else head}…"
