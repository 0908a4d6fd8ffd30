"""The charts of an edition as blocks of its document."""

from __future__ import annotations

from datetime import date
from functools import partial

from mcu.reports import charts, format
from mcu.reports.document import Picture
from mcu.reports.edition import Edition, WeeklyEdition
from mcu.reports.query import Row
from mcu.reports.tables import place

BARS_SHOWN = 7
HEAT_PLACES, HEAT_GROUPS = 20, 7  # what stays readable on a phone


def trend(edition: Edition, title: str, note: str) -> Picture:
    """The scope's weeks or days."""
    draw = partial(charts.trend, [_trend_point(row) for row in edition.trend])
    return Picture("trend", title, f"{title}: поступило, отвечено, без ответа на конец", draw, (note,))


def topics(edition: WeeklyEdition) -> Picture:
    """The first topics, this week and the week before."""
    items = [
        charts.Bar(format.one_line(row.key[3]), row["received"], row["received_prev"])
        for row in edition.topics[:BARS_SHOWN]
    ]
    alt = "Столбцы: сообщений по темам за эту и прошлую неделю; числа — в таблице ниже"
    return Picture(
        "topics", "Главные темы", alt, partial(charts.bars, items), ("Синяя полоса — эта неделя, светлая — прошлая.",)
    )


def places(edition: WeeklyEdition) -> list[Picture]:
    """Where most messages come from, by inhabitants."""
    per_10k = [row for row in edition.municipalities if row["received_per_10k"]]
    most = sorted(per_10k, key=lambda row: (-row["received_per_10k"], row.key))[:BARS_SHOWN]
    items = [charts.Bar(place(edition, row.key[1]), row["received_per_10k"]) for row in most]
    title = "Больше всего сообщений на 10 тысяч жителей"
    alt = f"Столбцы: {title[:1].lower()}{title[1:]}; числа — в таблице ниже"
    return [Picture("places", title, alt, partial(charts.bars, items, is_share=True))] if items else []


def heat(edition: WeeklyEdition) -> list[Picture]:
    """Municipalities by topic groups, messages per 10,000 inhabitants."""
    if edition.heat is None:
        return []
    shown, groups = edition.heat.places[:HEAT_PLACES], edition.heat.groups[:HEAT_GROUPS]
    values = [
        [row["received_per_10k"] if (row := edition.heat.rows.get((oktmo, group))) else 0.0 for group in groups]
        for oktmo in shown
    ]
    draw = partial(charts.heat, [place(edition, oktmo) for oktmo in shown], list(map(format.one_line, groups)), values)
    alt = "Карта: муниципалитеты и группы тем, сообщений на 10 тысяч жителей; все числа — в приложенной таблице"
    note = "Сообщений на 10 тысяч жителей, где их больше всего. Все муниципалитеты и группы — в приложенной таблице."
    return [Picture("heat", "Карта тем", alt, draw, (note,))]


def _trend_point(row: Row) -> charts.TrendPoint:
    label = f"{date.fromisoformat(row.key[0]):%d.%m}"
    return charts.TrendPoint(label, row["received"], row["answered"], row["open_at_end"])
