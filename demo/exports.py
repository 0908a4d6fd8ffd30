"""The export files: when each is made, what it holds, and the workbook itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import xlsxwriter

from demo.dirt import with_noise
from demo.life import Cell, Message, Row, state
from demo.reference import SOURCES, read_csv

TIMEZONE = ZoneInfo("Europe/Moscow")
DAILY_DAYS = 14
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cabinet:
    """How one system exports: `window` back from the moment of the export, at `made_at` after midnight."""

    source: str
    folder: str
    stem: str
    sheet: str
    made_at: time
    window: timedelta


CABINETS = (
    Cabinet("incident", "Инцидент Менеджмент", "incidents", "Лист1", time(0, 10), timedelta(days=35)),
    Cabinet("pos", "ПОС", "pos", "Сообщения", time(0, 25), timedelta(days=49)),
)


@dataclass(frozen=True)
class Export:
    """One file to be written: all messages of the cabinet's window, as they are at `exported_at` (local time)."""

    cabinet: Cabinet
    exported_at: datetime

    @property
    def path(self) -> Path:
        """Relative to the inbox."""
        return Path(self.cabinet.folder, f"{self.cabinet.stem}_{self.exported_at:%Y-%m-%d_%H-%M}.xlsx")

    def rows(self, messages: Iterable[Message], seed: int) -> list[Row]:
        """The rows of the file, oldest message first."""
        since = self.exported_at - self.cabinet.window
        held = (one for one in messages if one.source == self.cabinet.source)
        rows = [state(one, self.exported_at) for one in held if since <= one.created_at <= self.exported_at]
        return with_noise(rows, Random(f"{seed}/{self.path}"))


def plan_exports(weeks: int, until: date) -> list[Export]:
    """Exports in order of time: one after each full week, one a day for the last two weeks."""
    days_back = [*range(7 * (weeks - 1), DAILY_DAYS - 1, -7), *range(min(7 * weeks, DAILY_DAYS) - 1, -1, -1)]
    return [
        Export(cabinet, datetime.combine(until - ONE_DAY * back + ONE_DAY, cabinet.made_at))
        for back in days_back
        for cabinet in CABINETS
    ]


def write_workbook(path: Path, export: Export, rows: Sequence[Row]) -> None:
    """Write the file at `path`; the same rows always give the same bytes."""
    columns = list(read_csv(SOURCES / f"{export.cabinet.source}_columns.csv"))
    created = export.exported_at.replace(tzinfo=TIMEZONE).astimezone(UTC).replace(tzinfo=None)
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": created})
        duration = book.add_format({"num_format": "[hh]:mm:ss"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(export.cabinet.sheet)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, column["header"])
        fields = [column["field"] for column in columns]
        for number, row in enumerate(rows, start=1):
            for place, field in enumerate(fields):
                _write_cell(sheet, number, place, row.get(field), duration, moment)


def _write_cell(
    sheet: xlsxwriter.worksheet.Worksheet,
    row: int,
    column: int,
    cell: Cell,
    duration: xlsxwriter.format.Format,
    moment: xlsxwriter.format.Format,
) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif isinstance(cell, timedelta):
        sheet.write_number(row, column, cell / ONE_DAY, duration)
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, moment)
    else:
        sheet.write_number(row, column, cell)
