"""The blocks of the daily report."""

from __future__ import annotations

from mcu.reports import tables
from mcu.reports.document import Block, Column, Number, Table, Tile, Tiles
from mcu.reports.edition import DailyEdition
from mcu.reports.pictures import trend
from mcu.reports.tables import number, numbers, text

COUNTS = (
    ("received", "Поступило"),
    ("answered", "Отвечено"),
    ("answered_on_time", "из них в срок"),
    ("became_overdue", "Стало просроченным"),
    ("open_at_end", "Без ответа на конец дня"),
    ("overdue_at_end", "из них просрочено"),
)
TILES = tuple(COUNTS[place] for place in (0, 1, 4, 5))

DEFINITIONS = (
    "Поступило и отвечено — разные множества: отвечают и на сообщения прошлых дней. Стало просроченным — срок ответа"
    " прошёл в этот день без ответа, или в этот день ответили позже срока. Без ответа и просрочено — на конец дня."
    " Номер ПОС стоит после «pos:», номер карточки Инцидента — после «incident:»."
)


def blocks(edition: DailyEdition) -> list[Block]:
    """Everything below the summary, the most urgent first."""
    return [
        _tiles(edition),
        *tables.hotspots(edition),
        _counts(edition),
        tables.by_source(edition),
        *tables.by_channel(edition),
        trend(edition, "Дни", "Справа — день отчёта."),
        *_topics(edition),
        *tables.overdue(edition, "дня"),
    ]


def _tiles(edition: DailyEdition) -> Tiles:
    now = edition.now
    return Tiles(
        [
            Tile(title, Number(now, column), ("днём раньше ", Number(now, f"{column}_prev_day")))
            for column, title in TILES
        ]
    )


def _counts(edition: DailyEdition) -> Table:
    columns = (Column("", ("Показатель",), is_text=True), *map(Column, ("день", "днём раньше", "неделю назад")))
    rows = [
        [
            text(title),
            number(edition.now, column, is_strong=True),
            *numbers(edition.now, (f"{column}_prev_day", f"{column}_prev_week")),
        ]
        for column, title in COUNTS
    ]
    return Table("День", "День в числах", columns, rows)


def _topics(edition: DailyEdition) -> list[Table]:
    columns = (Column("Группа тем", is_text=True), *tables.SOURCE_COLUMNS[1:3], *tables.SOURCE_COLUMNS[4:])
    counts = ("received", "answered", "open_at_end", "overdue_at_end")
    rows = [[text(row.key[2]), *numbers(row, counts)] for row in edition.topics]
    return [Table("Темы", "Темы дня", columns, rows)] if rows else []
