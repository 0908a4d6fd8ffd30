"""The blocks of the weekly report."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.reports import pictures, tables
from mcu.reports.document import Block, Cell, Column, Line, Number, Table, Tile, Tiles
from mcu.reports.edition import WeeklyEdition
from mcu.reports.query import Row
from mcu.reports.signals import emerging_topic
from mcu.reports.tables import CHANGE, NO_ROW, NOT_COMPARED, ON_TIME, change, number, numbers, on_time, text, with_of

# A metric, its title, what explains it, and of how many a share is.
METRICS = (
    ("on_time_share", "Доля ответов в срок", "", None),
    ("became_overdue", "Стали просроченными", "", None),
    ("median_first_answer_minutes", "Первый ответ, медиана", "половина ответов быстрее", None),
    ("p90_first_answer_minutes", "Первый ответ, 90-й процентиль", "девять из десяти быстрее", None),
    ("satisfied_share", "Довольны ответом", "", "rated"),
    ("reconsidered", "Повторное рассмотрение", "", None),
    ("closed_unanswered", "Закрыто без ответа", "", None),
    ("received_per_10k", "Поступило на 10 тыс. жителей", "", None),
)

DEFINITIONS = (
    "Поступило и отвечено — разные множества: отвечают и на сообщения прошлых недель. Доля в срок — ответы в срок среди"
    " всех, чей срок решился на этой неделе (дан ответ или срок прошёл). Время первого ответа — рабочее время, по"
    " соцсетям. Довольны — оценка 4–5 или «Автор доволен» среди оценённых ответов этой недели; оценки приходят позже,"
    " доля ещё вырастет. Обычно — медиана прошлых восьми недель. Медиана области — муниципалитет, который стоит"
    " посередине; где меньше пяти ответов, доли и время ответов не в счёт. Проценты изменения даны только там, где на"
    " прошлой неделе было не меньше 20 сообщений. Неделя — с понедельника по воскресенье."
)
FEW = "«Мало данных» — меньше пяти ответов за неделю: доля ничего не говорит."


def blocks(edition: WeeklyEdition) -> list[Block]:
    """Everything below the summary, the most urgent first."""
    return [
        _tiles(edition),
        *tables.hotspots(edition, [emerging_topic(row, edition) for row in edition.emerging]),
        _answers(edition),
        *_topics(edition),
        *_risers(edition),
        tables.by_source(edition),
        *tables.by_channel(edition),
        pictures.trend(edition, "Недели", "Под чертой — понедельник недели; справа последняя."),
        *_pos(edition),
        *_municipalities(edition),
        *pictures.heat(edition),
        *_heat(edition),
        *_authorities("Быстрее всех", "Кто отвечает быстрее всех", edition.fastest),
        *_authorities("Дольше всех", "Кто отвечает дольше всех", edition.slowest),
        *_least_satisfied(edition),
        *tables.overdue(edition, "недели"),
    ]


def _tiles(edition: WeeklyEdition) -> Tiles:
    titles = (
        ("received", "Поступило"),
        ("answered", "Отвечено"),
        ("open_at_end", "Остались без ответа"),
        ("overdue_at_end", "Из них просрочено"),
    )
    return Tiles([Tile(title, Number(edition.now, column), _compared(edition, column)) for column, title in titles])


def _compared(edition: WeeklyEdition, column: str) -> Line:
    """«было 12, обычно 10», the change where the mart has it."""
    if edition.before is None:
        return ("прошлой недели нет в данных",)
    before: Line = ("было ", Number(edition.before, column))
    if column == "received" and edition.now["received_delta"] is not None:
        before = (*_received_change(edition.now), ", было ", Number(edition.now, "received_prev"))
    return (*before, ", обычно ", Number(edition.usual, column)) if edition.usual else before


def _received_change(row: Row) -> Line:
    if row["received_delta_pct"] is None:
        return (Number(row, "received_delta"),)
    return (Number(row, "received_delta"), " (", Number(row, "received_delta_pct"), ")")


def _answers(edition: WeeklyEdition) -> Table:
    """This week's metrics beside the week before, what is usual here, and the median municipality."""
    beside: list[tuple[str, Row | None]] = [("прошлая", edition.before)]
    beside += [("обычно", edition.usual)] if edition.usual else []
    beside += [("медиана области", edition.typical)] if edition.typical else []
    columns = (
        Column("", ("Показатель",), is_text=True),
        Column("неделя", ("Неделя", "Из скольких, зона")),
        *(Column(title) for title, _ in beside),
    )
    rows = [
        [
            text(title, *([(note,)] if note else [])),
            _metric(edition.now, column, of),
            *(_other(row, column) for _, row in beside),
        ]
        for column, title, note, of in METRICS
    ]
    return Table("Качество", "Качество ответов", columns, rows)


def _metric(row: Row, column: str, of: str | None) -> Cell:
    if column == "on_time_share":
        return on_time(row)
    return with_of(row, column, of, "оценок") if of else number(row, column, is_strong=True)


def _other(row: Row | None, column: str) -> Cell:
    if row is None:
        return NO_ROW
    return number(row, column) if column in row.values else NOT_COMPARED


def _topics(edition: WeeklyEdition) -> list[Block]:
    if not edition.topics:
        return []
    columns = (Column("Тема", ("Тема", "Группа тем"), is_text=True), Column("Поступило"), Column("доля"), CHANGE)
    rows = [[_topic(row), *numbers(row, ("received", "share_of_received")), change(row)] for row in edition.topics]
    return [pictures.topics(edition), Table("Темы", "Главные темы в числах", columns, rows)]


def _topic(row: Row) -> Cell:
    group, topic = row.key[2:]
    return text(topic, (group,), values=(topic, group))


def _risers(edition: WeeklyEdition) -> list[Table]:
    columns = [Column("Тема", ("Тема", "Группа тем"), is_text=True), Column("Поступило"), CHANGE]
    rows = [[_topic(riser.topic), number(riser.topic, "received"), change(riser.topic)] for riser in edition.risers]
    if edition.is_oblast:
        columns.append(Column("где больше всего", ("Где больше всего", "Поступило там", "Изменение там"), is_text=True))
        for row, riser in zip(rows, edition.risers, strict=True):
            row.append(_where(riser.place, edition))
    return [Table("Рост", "Что выросло сильнее всего", columns, rows)] if rows else []


def _where(row: Row | None, edition: WeeklyEdition) -> Cell:
    if row is None:
        return NOT_COMPARED
    name, received, grown = tables.place(edition, row.key[1]), Number(row, "received"), Number(row, "received_delta")
    return text(name, (received, " (", grown, ")"), values=(name, received, grown))


def _pos(edition: WeeklyEdition) -> list[Table]:
    """What is asked of ПОС alone: how it came, and whether it is late."""
    row, kinds = edition.pos, edition.pos_channel
    if row is None:
        return []
    counts = [("Поступило", row, "received")]
    if kinds is not None:
        counts += [("из них по ускоренному порядку", kinds, "fast_track"), ("из них по 59-ФЗ", kinds, "formal_59fz")]
    counts += [
        ("Отвечено", row, "answered"),
        ("Стали просроченными", row, "became_overdue"),
        ("Без ответа на конец недели", row, "open_at_end"),
        ("из них просрочено", row, "overdue_at_end"),
        ("Доля ответов в срок", row, "on_time_share"),
    ]
    columns = (Column("", ("Показатель",), is_text=True), Column("неделя"))
    return [Table("ПОС", "ПОС", columns, [[text(title), number(of, column)] for title, of, column in counts])]


def _municipalities(edition: WeeklyEdition) -> list[Block]:
    if not edition.municipalities:
        return []
    columns = (
        Column("Муниципалитет", is_text=True),
        *map(Column, ("Поступило", "на 10 тыс.", "Отвечено")),
        ON_TIME,
        Column("Просрочено"),
    )
    rows = [
        [
            text(tables.place(edition, row.key[1])),
            *numbers(row, ("received", "received_per_10k", "answered")),
            on_time(row),
            number(row, "overdue_at_end"),
        ]
        for row in edition.municipalities
    ]
    note = (f"Сначала те, где доля ответов в срок хуже. {FEW}",)
    return [*pictures.places(edition), Table("Муниципалитеты", "Муниципалитеты", columns, rows, note)]


def _heat(edition: WeeklyEdition) -> list[Table]:
    """All of the heat map's numbers, a row each municipality and topic group."""
    heat = edition.heat
    if heat is None:
        return []
    columns = (
        Column("Муниципалитет", is_text=True),
        Column("Группа тем", is_text=True),
        *map(Column, ("Поступило", "На 10 тыс. жителей")),
    )
    rows = [
        [
            text(tables.place(edition, place)),
            text(group),
            *numbers(heat.rows[place, group], ("received", "received_per_10k")),
        ]
        for place in heat.places
        for group in heat.groups
        if (place, group) in heat.rows
    ]
    return [Table("Карта", "Карта тем", columns, rows, is_for_workbook=True)]


def _authorities(name: str, title: str, rows: Sequence[Row]) -> list[Table]:
    columns = (Column("Исполнитель", is_text=True), *map(Column, ("медиана", "ответов", "в срок")))
    of_authority = ("median_first_answer_minutes", "answered", "on_time_share")
    note = ("По медиане рабочего времени до первого ответа; только те, у кого не меньше пяти ответов за неделю.",)
    cells = [[text(row.key[1]), *numbers(row, of_authority)] for row in rows]
    return [Table(name, title, columns, cells, note)] if cells else []


def _least_satisfied(edition: WeeklyEdition) -> list[Table]:
    columns = (
        Column("Исполнитель", is_text=True),
        Column("довольны", ("Довольны", "Оценок")),
        Column("не решено", ("Не решено", "С известным итогом")),
    )
    rows = [
        [
            text(row.key[1]),
            with_of(row, "satisfied_share", "rated", "оценок"),
            with_of(row, "not_solved_share", "with_outcome", "из"),
        ]
        for row in edition.least_satisfied
    ]
    note = ("Только те, у кого не меньше пяти оценок; первыми те, у кого доля низка наверняка, а не случайно.",)
    return [Table("Недовольны", "Где ответами довольны меньше всего", columns, rows, note)] if rows else []
