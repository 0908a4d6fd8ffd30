"""Writes exports of both systems as workbooks, from dicts of field to cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from mcu.sources import columns

Cells = Mapping[str, Any]

POS: Cells = {
    "pos_number": "327441806",
    "epgu_number": "6668478383",
    "source_code": "MED_DOC_EPGU",
    "top_lko": "Ростовская область",
    "category": "Дороги",
    "subcategory": "Ямы на дороге",
    "fact": "Яма на проезжей части",
    "org_received": "Администрация города Азова",
    "org_current": "Администрация города Азова",
    "received_date": "02.02.2026",
    "planned_date": "04.03.2026",
    "completed_date": "09.02.2026",
    "stage": "Завершено",
    "status": "Отправлен ответ заявителю",
    "is_overdue": "Нет",
    "is_fast_track": "Нет",
    "law_kind": "Обычное сообщение",
    "applicant_chose_59fz": "Нет",
    "resolution_type": "Решено",
    "sent_by_email": "-",
    "rating": "-",
    "is_reconsidered": "-",
    "coordinator_name": "Иванова  Анна Петровна",
    "executor_name": "Петров Иван Сергеевич",
    "manager_name": "-",
}

INCIDENT: Cells = {
    "cabinet": "Ростовская область",
    "im_id": 1001,
    "incident_number": 1,
    "department": "Азов г.о.",
    "executor": "Отдел ЖКХ",
    "first_answer_at": "2026-02-02 12:00:00",
    "first_answer_text": "'Здравствуйте! Передали коммунальщикам.",
    "first_answer_elapsed": dt.timedelta(hours=2),
    "first_answer_elapsed_working": dt.timedelta(hours=2),
    "last_assigned_at": "2026-02-02 10:05:00",
    "executor_first_answer_at": "2026-02-02 12:00:00",
    "executor_reaction_elapsed": dt.timedelta(hours=1),
    "executor_in_time": "Да",
    "total_elapsed": dt.timedelta(hours=99),
    "executor_draft_sent_at": "2026-02-02 11:05:00",
    "approval_elapsed": dt.timedelta(minutes=55),
    "current_step": "Готово",
    "created_at": "2026-02-02 10:00:00",
    "closed_at": "2026-02-06 13:00:00",
    "topic_group": "ЖКХ",
    "topic": "Нет воды",
    "region": "Ростовская область",
    "municipality": "Азов г.о.",
    "settlement": "Азов",
    "street": "Московская",
    "house": "12",
    "object_legacy": None,
    "object_name": None,
    "incident_type": "Решаемый",
    "outcome": "Решено",
    "answer_has_media": "Нет",
    "message_has_media": "Да",
    "post_url": "https://vk.com/wall-1_2",
    "blog_url": "https://vk.com/azov",
    "message_text": "'[id123|Анна], когда дадут воду?",
    "executor_answer_1": "'Вода будет к вечеру",
    "executor_answer_2": "'",
    "executor_answer_3": "'",
    "closing_reason": "Нет ответа от автора",
    "audience": 12000,
    "engagement": 15,
    "author_url": "https://vk.com/id123",
    "answer_account_url": "https://vk.com/mcu",
    "tags": None,
    "note": None,
    "satisfaction_step_at": "2026-02-02 12:00:00",
    "survey_sent": "Да",
}

SAMPLES = {"pos": POS, "incident": INCIDENT}


def write_pos(path: Path, rows: Iterable[Cells], **options: Any) -> Path:
    """A ПОС export with one row a dict: its fields over those of `POS`. Options: see `write`."""
    return write(path, "pos", [{**POS, **row} for row in rows], **options)


def write_incidents(path: Path, rows: Iterable[Cells], **options: Any) -> Path:
    """An «Инцидент» export with one row a dict: its fields over those of `INCIDENT`. Options: see `write`."""
    return write(path, "incident", [{**INCIDENT, **row} for row in rows], **options)


def write(
    path: Path,
    source: str,
    rows: Sequence[Cells],
    *,
    drop: Sequence[str] = (),
    fields: Sequence[str] | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Sequence[str] = (),
    created: dt.datetime | None = None,
    first_row: int = 1,
    sheet: str = "Лист1",
) -> Path:
    """Write `rows` (all fields) as the export of `source`.

    `drop`: fields without a column; `fields`: columns and their order instead of the map's;
    `headers`: other headers by field; `extra`: unknown columns, taken from the rows by header;
    `created`: UTC moment for the document's properties; `first_row`: row number of the headers.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    by_field = {column.field: column.header for column in reversed(columns.load(source).columns)} | dict(headers or {})
    order = [field for field in fields or list(SAMPLES[source]) if field not in drop] + list(extra)
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"created": created} if created else {})
        formats = {
            dt.timedelta: workbook.add_format({"num_format": "[hh]:mm:ss"}),
            dt.datetime: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            dt.date: workbook.add_format({"num_format": "dd.mm.yyyy"}),
            dt.time: workbook.add_format({"num_format": "hh:mm:ss"}),
        }
        worksheet = workbook.add_worksheet(sheet)
        for column, field in enumerate(order):
            worksheet.write_string(first_row - 1, column, by_field.get(field, field))
            for row, cells in enumerate(rows, first_row):
                _write_cell(worksheet, row, column, cells.get(field), formats)
    return path


def _write_cell(worksheet: Any, row: int, column: int, cell: Any, formats: Mapping[type, Any]) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        worksheet.write_string(row, column, cell)
    elif type(cell) in formats:
        worksheet.write_datetime(row, column, cell, formats[type(cell)])
    else:
        worksheet.write(row, column, cell)
