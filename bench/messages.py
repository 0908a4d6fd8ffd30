"""What stands in the exports of the bench: invented messages of «Инцидент Менеджмент», always the same.

The texts are random letters, which compress as badly as real ones; places and topics are those of the demo.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from random import Random

from demo.reference import load_reference
from mcu.sources import columns

Cell = str | int | dt.timedelta | None

FIRST_EXPORT = dt.datetime(2026, 9, 1, 6, 0)  # local time
SPAN = dt.timedelta(days=90)  # in which the messages of the first export came
LAG = dt.timedelta(days=4)  # from the newest of them to that export: all have been answered and closed
CHANGED_EACH = 50  # of the next day's rows, 2 %: its note is new
NEW_SHARE = 0.01  # of the next day's rows
CHANGED_FIELD = "note"

ALPHABET = "абвгдежзийклмнопрстуфхцчшщыьэюя" + " " * 6
POOL = 1 << 20  # characters; much more than the 32 KiB in which deflate finds repetitions


class Messages:
    """Rows of exports of `rows` messages each."""

    headers: Sequence[str] = [column.header for column in columns.load("incident").columns]

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._fields = [column.field for column in columns.load("incident").columns]
        self._pace = SPAN / rows
        self._reference = load_reference()
        self._pool = "".join(Random(rows).choices(ALPHABET, k=POOL))

    def first(self) -> Iterator[list[Cell]]:
        """The rows of the first export."""
        return (self._row(number, is_changed=False) for number in range(self._rows))

    def next_day(self) -> Iterator[list[Cell]]:
        """The same, 2 % of them changed, and behind them 1 % new ones."""
        changed = (self._row(number, is_changed=number % CHANGED_EACH == 0) for number in range(self._rows))
        yield from changed
        yield from (self._row(number, is_changed=False) for number in range(self._rows, self.rows_next_day))

    @property
    def rows_next_day(self) -> int:
        return self._rows + round(self._rows * NEW_SHARE)

    @property
    def rows_changed(self) -> int:
        return -(-self._rows // CHANGED_EACH)

    def _row(self, number: int, *, is_changed: bool) -> list[Cell]:
        cells = self._cells(number)
        if is_changed:
            cells[CHANGED_FIELD] = self._text(Random(number + self._rows), 40)
        return [cells.get(field) for field in self._fields]

    def _cells(self, number: int) -> dict[str, Cell]:
        random = Random(number)
        place = random.choice(self._reference.municipalities)
        topic = random.choice(self._reference.topics)
        created = FIRST_EXPORT - LAG - SPAN + number * self._pace
        assigned = created + dt.timedelta(seconds=random.randrange(60, 3600))
        drafted = assigned + dt.timedelta(seconds=random.randrange(60, 7200))
        answered = drafted + dt.timedelta(seconds=random.randrange(60, 7200))
        closed = answered + dt.timedelta(seconds=random.randrange(3600, 2 * 86_400))
        wall = f"https://vk.com/wall-{random.randrange(10**9)}"
        return {
            "cabinet": "Ростовская область",
            "im_id": 30_000_000 + number,
            "incident_number": 1 + number,
            "department": place.incident_name,
            "executor": f"Отдел {random.randrange(40)}",
            "first_answer_at": _moment(answered),
            "first_answer_text": self._text(random, 170),
            "first_answer_elapsed": _between(created, answered),
            "first_answer_elapsed_working": _between(assigned, answered),
            "last_assigned_at": _moment(assigned),
            "executor_first_answer_at": _moment(drafted),
            "executor_reaction_elapsed": _between(assigned, drafted),
            "executor_in_time": "Да",
            "total_elapsed": _between(created, closed),
            "executor_draft_sent_at": _moment(drafted),
            "approval_elapsed": _between(drafted, answered),
            "current_step": "Готово",
            "created_at": _moment(created),
            "closed_at": _moment(closed),
            "topic_group": topic.group,
            "topic": topic.shown_name,
            "region": "Ростовская область",
            "municipality": place.incident_name,
            "settlement": random.choice(place.settlements),
            "street": f"ул {self._text(random, 9)}",
            "house": str(random.randrange(1, 200)),
            "incident_type": "Решаемый",
            "outcome": "Решено",
            "answer_has_media": random.choice(("Да", "Нет")),
            "message_has_media": random.choice(("Да", "Нет")),
            "post_url": f"{wall}_{random.randrange(10**6)}?reply={random.randrange(10**6)}&thread={number}",
            "blog_url": wall,
            "message_text": self._text(random, 180),
            "executor_answer_1": self._text(random, 170),
            "executor_answer_2": "'",
            "executor_answer_3": "'",
            "closing_reason": "Пользователь удовлетворён",
            "audience": random.randrange(10**5),
            "engagement": random.randrange(10**3),
            "author_url": f"https://vk.com/id{random.randrange(10**9)}",
            "answer_account_url": "https://vk.com/rostov_region",
            "tags": f"#{place.oktmo}",
            "satisfaction_step_at": _moment(closed),
            "survey_sent": "Да",
        }

    def _text(self, random: Random, length: int) -> str:
        """Written as the system writes texts, with an apostrophe before it."""
        start = random.randrange(POOL - length)
        return f"'{self._pool[start : start + length]}."


def _moment(moment: dt.datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _between(start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    return dt.timedelta(seconds=int((end - start).total_seconds()))
