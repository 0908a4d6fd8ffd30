"""Random exports of both systems, small and full of traps.

`python -m tests.oracle.trap_exports FOLDER SEED` writes one set of them.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import xlsxwriter

from tests.oracle import layouts
from tests.oracle.stories import Cells, Era, Formatted, Story, Value
from tests.oracle.stories_incident import incident_stories
from tests.oracle.stories_pos import pos_stories

ERAS = (date(2025, 10, 20), date(2025, 12, 22), date(2026, 4, 20))  # each around moved days off
MOSCOW = timedelta(hours=3)  # document properties are written in UTC
MAIN_CABINET = "Ростовская область"


@dataclass(frozen=True)
class Plan:
    """One export to write. `document_time`: local; `drops`: columns that are left out."""

    source: str
    name: str
    exported_at: datetime
    document_time: datetime
    cabinets: tuple[str, ...] = (MAIN_CABINET,)
    drops: tuple[str, ...] = ()
    is_empty: bool = False


@dataclass(frozen=True)
class Written:
    """What was written: the stories by source, and the file that must be refused."""

    stories: dict[str, list[Story]]
    refused: Path


def write_exports(folder: Path, seed: int, ordinary: int = 120) -> Written:
    """Write a set of exports; the same seed gives the same cells."""
    rng = random.Random(seed)
    era = Era(ERAS[seed % len(ERAS)])
    stories = {"pos": pos_stories(era, rng, ordinary), "incident": incident_stories(era, rng, ordinary)}
    for plan in [*_pos_plans(era, seed), *_incident_plans(era)]:
        shown = [] if plan.is_empty else [row for story in stories[plan.source] for row in _rows(story, plan)]
        rng.shuffle(shown)
        _write(folder / plan.name, plan, _headers(plan, rng), shown)
    refused = _without_topic(era)
    _write(folder / refused.name, refused, _headers(refused, rng), [])
    again = folder / "архив" / "incident_copy.xlsx"
    again.parent.mkdir()
    shutil.copy(folder / _incident_plans(era)[5].name, again)
    return Written(stories, folder / refused.name)


def _pos_plans(era: Era, seed: int) -> list[Plan]:
    """Exports of ПОС; the last one, in even seeds, is of a quiet day and holds no rows."""
    nightly = era.at(2, 1)
    timed = (era.at(1, 0, "08:00:00"), era.at(3, 0, "20:10:00"), era.at(4, 0, "08:00:00"), era.at(5, 5, "19:30:00"))
    plans = [Plan("pos", f"ПОС_{t:%Y-%m-%d_%H-%M}.xlsx", t, t + timedelta(days=1)) for t in timed]
    plans.append(
        Plan("pos", f"pos export {nightly - timedelta(days=1):%Y-%m-%d}.xlsx", nightly, nightly - timedelta(days=9))
    )
    same_day = era.at(5, 0, "17:45:00")
    plans.append(Plan("pos", f"{same_day:%Y-%m-%d} ПОС.xlsx", same_day, same_day, drops=("Факт", "ФИО координатора")))
    if seed % 2 == 0:
        quiet = era.at(6, 0, "06:00:00")
        plans.append(Plan("pos", f"pos_{quiet:%Y-%m-%d_%H-%M}.xlsx", quiet, quiet, is_empty=True))
    return plans


def _incident_plans(era: Era) -> list[Plan]:
    """Exports of both cabinets of «Инцидент»; named in every way."""
    nightly, morning, unnamed = era.at(3, 1), era.at(4, 0, "09:15:00"), era.at(5, 3, "12:00:00")
    timed = (era.at(2, 0, "08:00:00"), era.at(4, 3, "18:00:00"), era.at(5, 0, "10:00:00"), era.at(6, 1, "09:00:00"))
    plans = [Plan("incident", f"incident_{t:%Y-%m-%d_%H-%M}.xlsx", t, t - timedelta(days=3)) for t in timed]
    plans.append(
        Plan(
            "incident",
            f"im {era.start} {nightly - timedelta(days=1):%Y-%m-%d}.xlsx",
            nightly,
            nightly,
            drops=("Отдел", "Теги"),
        )
    )
    plans.append(Plan("incident", f"im {morning:%Y-%m-%d}.xlsx", morning, morning))
    plans.append(Plan("incident", "Выгрузка инцидентов.xlsx", unnamed, unnamed))
    for moment in (era.at(3, 1, "07:00:00"), era.at(5, 1, "07:00:00")):
        name = f"rostov/incident_{moment:%Y-%m-%d_%H-%M}.xlsx"
        plans.append(Plan("incident", name, moment, moment, cabinets=("Ростов-на-Дону",)))
    return plans


def _without_topic(era: Era) -> Plan:
    late = era.at(8, 0, "08:00:00")
    return Plan("incident", f"incident_{late:%Y-%m-%d_%H-%M}.xlsx", late, late, drops=("Тема",))


def _rows(story: Story, plan: Plan) -> Iterable[Cells]:
    if story.cabinet not in plan.cabinets and plan.source == "incident":
        return
    if not story.appears <= plan.exported_at < story.appears + story.stays:
        return
    shown = story.at(plan.exported_at)
    if plan.source == "incident":
        shown["Кабинет"] = story.cabinet
    yield shown
    for difference in story.copies:
        yield shown | difference


def _headers(plan: Plan, rng: random.Random) -> list[str]:
    headers = [h for h in (layouts.POS if plan.source == "pos" else layouts.INCIDENT) if h not in plan.drops]
    if rng.random() < 0.6:
        headers.append("Новая колонка")
    if rng.random() < 0.6:
        rng.shuffle(headers)
    return headers


def _write(path: Path, plan: Plan, headers: Sequence[str], rows: list[Cells]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": plan.document_time - MOSCOW})
        sheet = book.add_worksheet("Лист1")
        for column, header in enumerate(headers):
            sheet.write_string(0, column, header)
        for number, cells in enumerate(rows, start=1):
            for column, header in enumerate(headers):
                _write_cell(book, sheet, number, column, cells.get(header, "новое"))


def _write_cell(
    book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: Value
) -> None:
    match value:
        case None:
            pass
        case str():
            sheet.write_string(row, column, value)
        case Formatted():
            sheet.write_number(row, column, value.value, book.add_format({"num_format": value.number_format}))
        case datetime():
            sheet.write_datetime(row, column, value, book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
        case date():
            midnight = datetime.combine(value, time())
            sheet.write_datetime(row, column, midnight, book.add_format({"num_format": "dd.mm.yyyy"}))
        case bool():
            sheet.write_boolean(row, column, value)
        case _:
            sheet.write_number(row, column, value)


if __name__ == "__main__":
    write_exports(Path(sys.argv[1]), int(sys.argv[2]))
