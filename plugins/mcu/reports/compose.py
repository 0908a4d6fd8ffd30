"""An edition as a document: what stands above and below the blocks, and the blocks of its report."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from mcu.reports import daily, format, weekly
from mcu.reports.document import Document, Line, Number
from mcu.reports.edition import Edition, WeeklyEdition
from mcu.reports.period import Period
from mcu.reports.query import Row
from mcu.reports.summary import summary

CORRECTED = "Уточнённый отчёт: данные пришли позже и изменили числа. Он заменяет отправленный раньше."


def compose(edition: Edition, timezone: ZoneInfo, revision: int = 1) -> Document:
    """What the edition says; its times are shown in `timezone`. From revision 2 on it is «Уточнённый»."""
    is_weekly = isinstance(edition, WeeklyEdition)
    return Document(
        period=edition.period,
        scope=edition.scope,
        revision=revision,
        subject=subject(edition, revision),
        heading=f"{_heading(edition, revision)} · обращения жителей",
        name=edition.name,
        dates=dates(edition.period),
        as_of=edition.common.as_of,
        freshness=[(source["name_ru"], source["newest_exported_at"]) for source in edition.common.sources],
        timezone=timezone,
        warnings=[*([CORRECTED] if revision > 1 else []), *_incomplete(edition)],
        missing=edition.missing,
        sentences=summary(edition),
        blocks=weekly.blocks(edition) if isinstance(edition, WeeklyEdition) else daily.blocks(edition),
        definitions=weekly.DEFINITIONS if is_weekly else daily.DEFINITIONS,
        quality=[
            (source["name_ru"], _quality(edition.common.quality[source.key[0]]))
            for source in edition.common.sources
            if source.key[0] in edition.common.quality
        ],
    )


def subject(edition: Edition, revision: int = 1) -> str:
    """«Недельный отчёт: обращения жителей, Таганрог, 16–22 ноября 2026», always one line, with plain spaces."""
    name = format.short_municipality(edition.name)
    mark = "Данные неполные. " if edition.missing else ""
    text = f"{mark}{_heading(edition, revision)}: обращения жителей, {name}, {dates(edition.period)}"
    return format.one_line(text).replace(format.NBSP, " ")


def _heading(edition: Edition, revision: int) -> str:
    heading = format.REPORTS[edition.period.report]
    return f"Уточнённый {heading[:1].lower()}{heading[1:]}" if revision > 1 else heading


def dates(period: Period) -> str:
    """«16–22 ноября 2026», «22 ноября 2026, воскресенье»."""
    if period.report == "weekly":
        return format.day_range(period.start, period.end)
    return format.day_and_weekday(period.start)


def _incomplete(edition: Edition) -> list[str]:
    if not edition.missing:
        return []
    held = ", ".join(name for name, row in edition.by_source if row is not None)
    missing = ", ".join(edition.missing)
    return [f"Данные неполные: нет выгрузки за весь период — {missing}. Числа ниже — только {held}."]


def _quality(row: Row) -> Line:
    def of(column: str) -> Number:
        return Number(row, column)

    def day(column: str) -> str:
        value: date | None = row[column]
        return format.day(value) if value else "—"

    return (
        *("строк прочитано ", of("rows_read"), ", из них в карантине ", of("rows_quarantined")),
        *("; сообщений ", of("messages"), ", отнесены к области без муниципалитета ", of("mapped_to_oblast")),
        *(", муниципалитет не распознан ", of("unmapped")),
        *("; без ответа и больше не видны в выгрузках ", of("stale_open")),
        *(". Сверка: в новейших выгрузках строк ", of("rows_in_newest_exports")),
        *(", из них не нашлось в хранилище ", of("rows_unexplained")),
        f"; новейшее сообщение в них создано {day('newest_created_on')}, из взятых в хранилище — "
        f"{day('newest_held_created_on')}.",
    )
