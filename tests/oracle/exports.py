"""Exports as the oracle sees them: which file is of which source, when it was made, which of its rows count."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.oracle.working_time import ONE_DAY, midnight
from tests.oracle.xlsx import Cell, Sheet, read_sheet

REGION_ZONE = ZoneInfo("Europe/Moscow")

NEEDED = {
    "pos": (
        "Номер",
        "Организация, в которую поступило сообщение",
        "Организация, в которой находится сообщение",
        "Дата поступления",
        "Дата планируемого завершения работ",
        "Дата фактического завершения работ",
        "Стадия",
        "Категория",
        "Подкатегория",
        "Фаст-трек",
        "Оценка ответа заявителем",
        "Повторное рассмотрение",
    ),
    "incident": (
        "ID",
        "Дата создания",
        "Дата окончания",
        "Общее время первого ответа",
        "Время с даты создания инцидента до времени первого ответа, рабочее время",
        "Группа тем",
        "Тема",
        "Муниципалитет",
        "Причина закрытия",
        "Время попадания на шаг оценка удовлетворенности",
    ),
}
KEY = {"pos": "Номер", "incident": "ID"}
CREATED = {"pos": "Дата поступления", "incident": "Дата создания"}
ANSWERED = {"pos": "Дата фактического завершения работ", "incident": "Общее время первого ответа"}
POS_TOPIC = ("Категория", "Подкатегория", "Факт")
MOMENTS = {
    "pos": ("Дата поступления", "Дата планируемого завершения работ", "Дата фактического завершения работ"),
    "incident": (
        "Дата создания",
        "Общее время первого ответа",
        "Дата окончания",
        "Время попадания на шаг оценка удовлетворенности",
    ),
}
CABINET = "Кабинет"

Row = dict[str, Cell]


class UnreadableError(ValueError):
    """A cell that should hold a date or a time holds something else."""


@dataclass(frozen=True)
class Export:
    """One export that was not refused. `accepted`: rows by key; `quarantined`: (row number, reason)."""

    source: str
    path: Path
    exported_at: datetime
    accepted: dict[str, Row] = field(default_factory=dict)
    quarantined: list[tuple[int, str]] = field(default_factory=list)
    rows_read: int = 0


def read_folder(folder: Path) -> list[Export]:
    """All exports of a folder and its subfolders, oldest first; a file without a needed column is left out."""
    exports = [read_export(path) for path in sorted(folder.rglob("*.xlsx"))]
    return sorted((e for e in exports if e), key=lambda e: (e.exported_at, e.path.name))


def read_export(path: Path) -> Export | None:
    """One file; None if it is of no known source or lacks a needed column."""
    sheet = read_sheet(path)
    for source, needed in NEEDED.items():
        if set(needed) <= set(sheet.headers.values()):
            rows = [
                (number, {header: cells.get(index) for index, header in sheet.headers.items()})
                for number, cells in sheet.rows
            ]
            return _gate(source, path, exported_at(path, sheet), rows)
    return None


def exported_at(path: Path, sheet: Sheet) -> datetime:
    """Local moment of an export: from the file's name, else its document properties, else its modification time."""
    document = sheet.document_time.astimezone(REGION_ZONE).replace(tzinfo=None) if sheet.document_time else None
    named = re.findall(r"(\d{4}-\d{2}-\d{2})(?:_(\d{2})-(\d{2})(?![\d-]))?", path.name)
    if named:
        written, hour, minute = named[-1]  # of a period in the name, its end
        day = date.fromisoformat(written)
        if hour:
            return datetime(day.year, day.month, day.day, int(hour), int(minute))
        return document if document and document.date() == day else midnight(day + ONE_DAY)
    return document or datetime.fromtimestamp(path.stat().st_mtime, REGION_ZONE).replace(tzinfo=None)


def _gate(source: str, path: Path, made_at: datetime, rows: list[tuple[int, Row]]) -> Export:
    export = Export(source, path, made_at, rows_read=len(rows))
    by_key: dict[str | None, list[tuple[int, Row]]] = defaultdict(list)
    for number, row in rows:
        by_key[key_of(row[KEY[source]])].append((number, row))
    for key, same in by_key.items():
        for number, row in same:
            fault = _fault(source, made_at, key, row)
            if not fault and len({_content(r) for _, r in same}) > 1:
                fault = "same key, different content"
            if fault:
                export.quarantined.append((number, fault))
            elif key:
                export.accepted[key] = row
    return export


def _fault(source: str, made_at: datetime, key: str | None, row: Row) -> str | None:
    if not key:
        return "no key"
    try:
        read = day if source == "pos" else moment
        moments = {header: read(row[header]) for header in MOMENTS[source]}
    except UnreadableError as unreadable:
        return str(unreadable)
    created, answered = moments[CREATED[source]], moments[ANSWERED[source]]
    if created is None:
        return "no creation date"
    if answered and answered < created:
        return "answered before created"
    if source == "incident" and created > made_at + timedelta(minutes=1):
        return "created after the export"
    if source == "pos" and created.date() > made_at.date():
        return "received after the export"
    return None


def _content(row: Row) -> tuple[tuple[str, str], ...]:
    texts = {header: text(cell) for header, cell in row.items() if header != CABINET}
    return tuple(sorted((header, value) for header, value in texts.items() if value is not None))


def text(cell: Cell) -> str | None:
    """A cell as text; None for an empty one, `-` and a lone apostrophe."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "Да" if cell else "Нет"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    stripped = str(cell).replace("\0", "").strip().removeprefix("'").strip()
    return None if stripped in ("", "-") else stripped


def key_of(cell: Cell) -> str | None:
    """A message's key: text without spaces."""
    value = text(cell)
    return "".join(value.split()) or None if value else None


def moment(cell: Cell) -> datetime | None:
    """A local time, seconds' fractions dropped; raises UnreadableError for anything else."""
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0)
    value = text(cell)
    if value is None:
        return None
    for pattern in (
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%Y",
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
    ):
        try:
            return datetime.strptime(value.split(".")[0] if pattern.startswith("%Y") else value, pattern)
        except ValueError:
            continue
    raise UnreadableError(f"cannot be read as a date: {value}")


def day(cell: Cell) -> datetime | None:
    """The midnight of a date; a time beside it is dropped. Raises UnreadableError for anything else."""
    found = moment(cell)
    return midnight(found.date()) if found else None


def duration(cell: Cell) -> timedelta | None:
    """A duration to the millisecond; None if it is absent or cannot be read."""
    if isinstance(cell, timedelta):
        return cell
    if isinstance(cell, float):
        return timedelta(milliseconds=round(cell * 86_400_000))
    found = re.fullmatch(r"(-?)(?:(\d+) days?,? )?(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?", text(cell) or "")
    if not found:
        return None
    seconds = int(found[2] or 0) * 86400 + int(found[3]) * 3600 + int(found[4]) * 60 + float(found[5] or 0)
    return timedelta(milliseconds=round(seconds * 1000)) * (-1 if found[1] else 1)
