"""Cells and tables that both reports have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from mcu.reports.document import Cell, Column, Line, Number, Piece, Table, Tone, Words
from mcu.reports.edition import Edition
from mcu.reports.format import short_municipality
from mcu.reports.query import Row
from mcu.reports.signals import hotspot

FEW = "мало данных"
NO_ROW = Cell(("нет данных",), values=(None,))
NOT_COMPARED = Cell(("—",), values=(None,))

OVERDUE_COLUMNS = (
    Column("Тема, кому, номер", ("Тема", "Муниципалитет", "Кому", "Номер", "Поступило", "Срок"), is_text=True),
    Column("просрочено на", ("Просрочено, рабочих минут",)),
)
SOURCE_COLUMNS = (
    Column("", ("Источник",), is_text=True),
    *(Column(title) for title in ("Поступило", "Отвечено", "в срок", "Без ответа", "Просрочено")),
)
OF_SOURCE = ("received", "answered", "answered_on_time", "open_at_end", "overdue_at_end")


def text(value: str, *below: Line, values: tuple[Piece | None, ...] = ()) -> Cell:
    """A cell of words."""
    return Cell((value,), below, values)


def number(row: Row, column: str, *, is_strong: bool = False) -> Cell:
    """A cell of one number."""
    return Cell((Number(row, column),), is_strong=is_strong)


def numbers(row: Row, columns: Iterable[str]) -> list[Cell]:
    """A cell a column."""
    return [number(row, column) for column in columns]


def with_of(row: Row, column: str, of: str, of_what: str) -> Cell:
    """A share, and below it of how many it is; the workbook has both."""
    share, count = Number(row, column), Number(row, of)
    return Cell((share,), ((f"{of_what} ", count),), (share, count))


def on_time(row: Row) -> Cell:
    """The share in time in the colour of its zone; «мало данных» where it tells nothing."""
    share = Number(row, "on_time_share")
    if row["zone"] == "few":
        below: tuple[Line, ...] = ((FEW,),) if share.value is not None else ()
        return Cell((share,), below, (share, FEW))
    tone = cast(Tone, row["zone"]) if row["zone"] in ("green", "yellow", "red") else None
    return Cell((share,), values=(share, ZONES[row["zone"]] if tone else None), tone=tone)


ZONES = {"green": "зелёная", "yellow": "жёлтая", "red": "красная"}
ON_TIME = Column("В срок", ("В срок", "Зона"))


def change(row: Row) -> Cell:
    """How many more came than in the week before; percent only where the mart gives it."""
    delta, percent = Number(row, "received_delta"), Number(row, "received_delta_pct")
    below: tuple[Line, ...] = ((percent,),) if percent.value is not None else ()
    return Cell((delta,), below, (delta, percent))


CHANGE = Column("изменение", ("Изменение", "Изменение, %"))


def place(edition: Edition, oktmo: str) -> str:
    """A municipality as tables call it."""
    return short_municipality(edition.common.name(oktmo))


def by_source(edition: Edition) -> Table:
    """The counts of the period by source; a source that lacks the period is named all the same."""
    rows = [
        [text(name), *(numbers(row, OF_SOURCE) if row else [NO_ROW] * len(OF_SOURCE))]
        for name, row in edition.by_source
    ]
    return Table("Источники", "По источникам", SOURCE_COLUMNS, rows)


def by_channel(edition: Edition) -> list[Table]:
    """Where the messages of the period came from."""
    rows = [
        [text(edition.common.channels[row.key[3]]["name_ru"]), number(row, "received")] for row in edition.by_channel
    ]
    columns = (Column("", ("Канал",), is_text=True), Column("Поступило"))
    return [Table("Каналы", "По каналам", columns, rows)] if rows else []


def hotspots(edition: Edition, more: Sequence[Line] = ()) -> list[Words]:
    """What is unusual, in words; `more` lines come after the hot spots."""
    lines = [*(hotspot(row, edition) for row in edition.hotspots), *more]
    note = ("Сообщений заметно больше, чем в те же дни прошлых восьми недель. Это повод проверить, а не вывод.",)
    return [Words("Необычно много", lines, note)] if lines else []


def overdue(edition: Edition, of_what: str) -> list[Table]:
    """The messages that have waited longest past their deadline."""
    total = Number(edition.now, "overdue_at_end")
    note: Line = (f"Всего на конец {of_what} просрочено ", total)
    if total.value is not None and len(edition.overdue) < total.value:
        note = (*note, ", здесь те, что ждут дольше всех")
    rows = [[_overdue_message(row, edition), _overdue_by(row)] for row in edition.overdue]
    note = (*note, ". Просрочка — в рабочем времени.")
    return [Table("Просрочено", "Просрочено без ответа", OVERDUE_COLUMNS, rows, note)] if rows else []


def _overdue_message(row: Row, edition: Edition) -> Cell:
    where, message_id = place(edition, row["oktmo"]), row.key[1]
    below: tuple[Line, ...] = (
        (f"{where} · {row['authority']}",),
        (f"{message_id} · поступило ", row["created_at"], " · срок ", row["due_at"]),
    )
    return text(
        row["topic"],
        *below,
        values=(row["topic"], where, row["authority"], message_id, row["created_at"], row["due_at"]),
    )


def _overdue_by(row: Row) -> Cell:
    return number(row, "overdue_working_minutes")
