"""One edition as a mail: Jinja2 (everything from data escaped) → MJML → HTML, and the charts. Needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from mjml import mjml2html

from mcu.reports import charts, format
from mcu.reports.cells import cell
from mcu.reports.edition import DailyEdition, Edition, WeeklyEdition
from mcu.reports.query import Row
from mcu.reports.summary import summary

BARS_SHOWN = 7

COUNTS = (
    ("received", "Поступило"),
    ("answered", "Отвечено"),
    ("answered_on_time", "из них в срок"),
    ("became_overdue", "Стало просроченным"),
    ("open_at_end", "Без ответа на конец дня"),
    ("overdue_at_end", "из них просрочено"),
)


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; `media_type` as in «application/pdf»."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Rendered:
    """A mail without addresses: `images` are PNGs by the content id that `html` refers to."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes]
    attachments: Sequence[Attachment] = ()


def subject(edition: Edition) -> str:
    """«Недельный отчёт: обращения жителей, Таганрог, 16–22 ноября 2026», always one line, with plain spaces."""
    name = format.short_municipality(edition.name)
    return format.one_line(f"{_heading(edition)}: обращения жителей, {name}, {_dates(edition)}").replace(
        format.NBSP, " "
    )


def render(edition: Edition, timezone: ZoneInfo) -> Rendered:
    """The mail of one edition; times are shown in `timezone`."""
    images = _charts(edition)
    sentences = summary(edition)
    mjml = (
        _environment()
        .get_template(f"{edition.period.report}.mjml.j2")
        .render(
            edition=edition,
            common=edition.common,
            heading=f"{_heading(edition)} · обращения жителей",
            name=edition.name,
            dates=_dates(edition),
            subject=subject(edition),
            sentences=sentences,
            images={name: _content_id(name) for name in images},
            moment=partial(format.moment, timezone=timezone),
            place=lambda oktmo: format.short_municipality(edition.common.name(oktmo)),
        )
    )
    return Rendered(
        subject=subject(edition),
        text=_text(edition, sentences, timezone),
        html=mjml2html(mjml, fonts={}),
        images={_content_id(name): png for name, png in images.items()},
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mcu.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_one_line,
    )
    environment.globals |= {"cell": cell, "counts": COUNTS, "day_or_none": _day_or_none}
    return environment


def _day_or_none(value: date | None) -> str:
    return format.day(value) if value else "—"


def _one_line(value: Any) -> Any:
    """Text from data without control characters, which XML cannot hold; markup of ours as it is."""
    return format.one_line(value) if type(value) is str else value


def _heading(edition: Edition) -> str:
    return "Недельный отчёт" if edition.period.report == "weekly" else "Отчёт за день"


def _dates(edition: Edition) -> str:
    period = edition.period
    return (
        format.day_range(period.start, period.end)
        if period.report == "weekly"
        else format.day_and_weekday(period.start)
    )


def _text(edition: Edition, sentences: Sequence[Markup], timezone: ZoneInfo) -> str:
    """The short plain part for readers without HTML."""
    lines = [
        f"{_heading(edition)}: обращения жителей",
        f"{edition.name}, {_dates(edition)}",
        f"Данные на {format.moment(edition.common.as_of, timezone)}",
        "",
        *(sentence.striptags() for sentence in sentences),
        "",
        "Таблицы и графики — в HTML-части этого письма.",
    ]
    return "\n".join(lines)


def _content_id(name: str) -> str:
    return f"{name}@report"


def _charts(edition: Edition) -> dict[str, bytes]:
    trend = {"trend": charts.trend([_trend_point(row) for row in edition.trend])}
    if isinstance(edition, DailyEdition):
        return trend
    return trend | _topics_chart(edition) | _places_chart(edition)


def _trend_point(row: Row) -> charts.TrendPoint:
    label = f"{date.fromisoformat(row.key[0]):%d.%m}"
    return charts.TrendPoint(label, row["received"], row["answered"], row["open_at_end"])


def _topics_chart(edition: WeeklyEdition) -> dict[str, bytes]:
    items = [
        charts.Bar(format.one_line(row.key[3]), row["received"], row["received_prev"])
        for row in edition.topics[:BARS_SHOWN]
    ]
    return {"topics": charts.bars(items)} if items else {}


def _places_chart(edition: WeeklyEdition) -> dict[str, bytes]:
    per_10k = [row for row in edition.municipalities if row["received_per_10k"]]
    most = sorted(per_10k, key=lambda row: (-row["received_per_10k"], row.key))[:BARS_SHOWN]
    items = [
        charts.Bar(format.short_municipality(edition.common.name(row.key[1])), row["received_per_10k"]) for row in most
    ]
    return {"places": charts.bars(items, is_share=True)} if items else {}
