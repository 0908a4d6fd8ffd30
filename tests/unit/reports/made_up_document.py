"""A document that has every kind of block, piece and cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from mcu.reports import charts
from mcu.reports.document import Block, Cell, Column, Document, Number, Picture, Table, Tile, Tiles, Tone, Words
from mcu.reports.query import Row
from tests.unit.reports.made_up import WEEK, WEEK_VALUES

MOSCOW = ZoneInfo("Europe/Moscow")
EXPORTED_AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
CREATED_AT = datetime(2026, 11, 20, 21, 5, tzinfo=UTC)  # already the 21st in Moscow
HOSTILE = (
    '=HYPERLINK("http://x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-1+1",
    "{=1+1}",
    "http://x/a#b",
    "12",
    '#panic("x")',
    '#include "/etc/passwd"',
    "$x^2$ *b* _i_ `c` @d <e> ~ // f /* g */ -- h",
    "]",
    "\\",
    '"',
    "Ямы\nи люки",
    "нуль\x00и\x1bпобег",
    "вправо\u202eвлево",
    "<script>alert(1)</script>",
    "<r><t>x</t></r>",
    "<r>",
    "_x0041_",
    "&amp;",
    "Ж" * 5_000,
    "слово " * 833,
)


def number(column: str, value: Any, key: str = "all") -> Number:
    return Number(Row("rpt_weekly_region", ("2026-11-16", key), {column: value}), column)


def counts(rows: int, name: str = "Районы", texts: Sequence[str] = ("Аксайский район",)) -> Table:
    """A table `rows` long; `texts` take turns in its first column."""
    return Table(
        name=name,
        title=f"{name} по доле ответов в срок",
        columns=[
            Column("Муниципалитет", is_text=True),
            Column("Поступило", in_workbook=("Поступило", "К прошлой неделе", "К прошлой неделе, %")),
            Column("Доля в срок"),
            Column("Медиана до первого ответа"),
            Column("На 10 тысяч жителей"),
        ],
        rows=[_counts_row(place, texts[place % len(texts)]) for place in range(rows)],
        note=("Сортировка: ", "красная, жёлтая, зелёная зона."),
    )


def _counts_row(place: int, text: str) -> list[Cell]:
    tones: tuple[Tone | None, ...] = ("red", "yellow", "green", None)
    received = number("received", 10_007 + place * 13)
    delta, percent = number("received_delta", place - 3), number("received_delta_pct", (place - 3) / 7 * 10)
    return [
        Cell((text,), is_strong=place == 0),
        Cell((received,), below=((delta, " (", percent, ")"),), values=(received, delta, percent)),
        Cell((number("on_time_share", 1 / (place + 1.1)),), tone=tones[place % 4], below=(("из ", received),)),
        Cell((number("median_first_answer_minutes", 200.5 + place),)),
        Cell((number("received_per_10k", None if place == 2 else 12.34 + place),)),
    ]


def overdue() -> Table:
    columns = ["Источник", "Муниципалитет", "Тема", "Орган", "Создано", "Срок", "Просрочено, мин"]
    return Table(
        name="Просроченные",
        title="Дольше всего без ответа",
        columns=[Column(title, is_text=place < 4) for place, title in enumerate(columns)],
        rows=[
            [
                Cell(("ПОС",)),
                Cell(("город Ростов-на-Дону",)),
                Cell(("Неудовлетворительное водоснабжение и водоотведение",)),
                Cell(("Министерство жилищно-коммунального хозяйства",), values=("Минстройэнергетика", None)[:1]),
                Cell((CREATED_AT,)),
                Cell((date(2026, 11, 22),)),
                Cell((number("overdue_working_minutes", 1_505.0),)),
            ],
            [*(Cell(("Инцидент",)),) * 4, Cell(("нет",), values=(None,)), Cell(("нет",), values=(None,)), Cell(("—",))],
        ],
    )


def tiles() -> Tiles:
    received, share = number("received", 1_234), number("on_time_share", 0.1 + 0.2)
    return Tiles(
        [
            Tile("Поступило", received, (number("received_delta", 120), " к прошлой неделе")),
            Tile("Доля в срок", share, ("за месяц — ", number("on_time_share", 0.934))),
            Tile("Половина ответов быстрее", number("median_first_answer_minutes", 3_205.0)),
            Tile("Оценка", number("satisfied_share", None), ("Оценок мало",)),
        ]
    )


@cache
def picture() -> Picture:
    points = [charts.TrendPoint(f"{day:02}.11", 40 + day, 30 + day, 90 - day) for day in range(1, 15)]
    return Picture(
        "trend", "Поступило и отвечено", "Две линии за двенадцать недель", partial(charts.trend, points), ("Дни",)
    )


def document(*blocks: Block, **changes: Any) -> Document:
    """`blocks` or one of every kind; `changes` are fields of the document."""
    every = (
        tiles(),
        Words("Что изменилось", [("Тема «Ямы»: ", number("received", 41), " за неделю.")], note=("Выросшие темы",)),
        picture(),
        counts(5),
        overdue(),
        replace(counts(7, "Все темы"), is_for_workbook=True),
    )
    made = Document(
        period=WEEK,
        scope="oblast",
        revision=1,
        subject="Недельный отчёт: обращения жителей, Ростовская область, 16–22 ноября 2026",
        heading="Недельный отчёт · обращения жителей",
        name="Ростовская область",
        dates="16–22 ноября 2026",
        as_of=EXPORTED_AT,
        freshness=[("ПОС", EXPORTED_AT), ("Инцидент Менеджмент", None)],
        timezone=MOSCOW,
        warnings=["Данные неполные: выгрузка Инцидент Менеджмента старше двух дней."],
        missing=[],
        sentences=[
            ("За неделю поступило ", number("received", 1_234), " сообщения."),
            ("Первый ответ дан на ", number("answered", WEEK_VALUES["answered"]), "."),
        ],
        blocks=blocks or every,
        definitions="«Поступило» — создано за период; «отвечено» — первый ответ дан за период.",
        quality=[("Качество данных, ПОС", ("строк прочитано ", number("rows_read", 98_765), "."))],
    )
    return replace(made, **changes)
