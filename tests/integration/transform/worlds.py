"""Small worlds for the property «the set of exports alone decides»: a few exports of both systems and the order in
which they arrive. An export shows each of a dozen messages in one of three states, or not at all."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from tests import workbooks
from tests.workbooks import Cells

CREATED = "2026-02-02 10:00:00"
NEW_INCIDENT: Cells = {
    "created_at": CREATED,
    "current_step": "Назначение исполнителя",
    "topic_group": "ЖКХ",
    "topic": "Лифт неисправен или отключен",
    **dict.fromkeys(
        ("first_answer_at", "first_answer_elapsed_working", "last_assigned_at", "satisfaction_step_at"), None
    ),
    **dict.fromkeys(("closed_at", "closing_reason", "outcome"), None),
}
ANSWERED: Cells = {
    "first_answer_at": "2026-02-03 12:00:00",
    "first_answer_elapsed_working": dt.timedelta(hours=11),
    "satisfaction_step_at": "2026-02-03 12:00:00",
}
CLOSED: Cells = {**ANSWERED, "closed_at": "2026-02-06 13:00:00", "outcome": "Решено", "current_step": "Готово"}

NEW_APPEAL: Cells = {
    "received_date": "02.02.2026",
    "planned_date": "10.02.2026",
    "completed_date": "-",
    "stage": "Модерация",
    "status": "На модерации",
    "resolution_type": "-",
}
DONE: Cells = {"stage": "Завершено", "status": "Отправлен ответ заявителю", "completed_date": "06.02.2026"}

# What a message may look like: the rows that one export shows of it, as what differs from a new one.
STATES: dict[str, Sequence[Sequence[Cells]]] = {
    "incident": (
        [{}],
        [{"last_assigned_at": "2026-02-02 10:05:00"}],
        [ANSWERED],
        [{**ANSWERED, "first_answer_at": "2026-02-02 15:00:00", "last_assigned_at": "2026-02-02 10:05:00"}],
        [{**CLOSED, "closing_reason": "5"}],
        [{**CLOSED, "closing_reason": "2", "closed_at": "2026-02-07 09:00:00"}],
        [{"closed_at": "2026-02-05 09:00:00"}],
        [{"municipality": "Азовский район", "department": "Азовский район"}],
        [{"municipality": "Неведомый район", "topic": "Тема, которой нет"}],
        [{"topic_group": "Дороги", "topic": "★ Ремонт дороги", "department": "Минтранс РО"}],
        [{**ANSWERED, "first_answer_at": "2026-02-01 12:00:00"}],  # quarantined: answered before it was created
        [{"current_step": "Шаг, которого нет", "cabinet": "Азов"}],
        [{"created_at": "2026-02-01 23:30:00"}],
        [{"last_assigned_at": "2026-02-04 10:05:00", "created_at": "скоро"}],  # quarantined
    ),
    "pos": (
        [{}],
        [{"stage": "Исполнение", "status": "В работе"}],
        [{**DONE, "rating": 2}],
        [{**DONE, "completed_date": "04.02.2026"}],
        [{"stage": "Исполнение", "status": "В работе", "is_reconsidered": "Да"}],
        [{**DONE, "completed_date": "-"}],
        [{"org_current": "Администрация Азовского района"}],
        [{"org_current": "ООО «Ромашка»", "org_received": "-", "status": "На контроле"}],
        [{"category": "ЖКХ", "subcategory": "Лифт неисправен или отключен"}],
        [{**DONE, "planned_date": "04.02.2026", "rating": 5}],
        [{"planned_date": "скоро"}],  # quarantined
        [DONE, {**DONE, "org_current": "Администрация города Шахты"}],  # quarantined: one key, two contents
        [DONE, DONE],
    ),
}
ABSENT = 3
KEY = {"incident": "im_id", "pos": "pos_number"}
NEW = {"incident": NEW_INCIDENT, "pos": NEW_APPEAL}


Batches = tuple[tuple[int, ...], ...]


class Export(NamedTuple):
    """`shown`: by message, which of its three states the export shows, or ABSENT. `day`: of February 2026."""

    source: str
    day: int
    shown: tuple[int, ...]

    def rows(self) -> list[Cells]:
        """The rows of the workbook; message number n goes through the states n, n + 1, n + 2."""
        states = STATES[self.source]
        return [
            {**NEW[self.source], KEY[self.source]: str(1000 + number), **cells}
            for number, choice in enumerate(self.shown)
            if choice != ABSENT
            for cells in states[(number + choice) % len(states)]
        ]


class World(NamedTuple):
    """`arrivals`: indices of the exports in the order in which they arrive, each at least once, in batches."""

    exports: tuple[Export, ...]
    arrivals: Batches

    def in_order(self) -> Batches:
        """Each export once, oldest first, one a batch."""
        return tuple((index,) for index in sorted(range(len(self.exports)), key=lambda i: self.exports[i].day))


def _exports(source: str) -> st.SearchStrategy[list[Export]]:
    messages = len(STATES[source])
    shown = st.tuples(*[st.integers(0, ABSENT)] * messages)
    return st.lists(st.builds(Export, st.just(source), st.integers(9, 12), shown), min_size=2, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Two or three exports of each system, perhaps of one moment or of one content, some arriving more than once."""
    exports = tuple(draw(_exports("incident")) + draw(_exports("pos")))
    if draw(st.booleans()):  # the same content once more, under the name of another day
        exports += (draw(st.sampled_from(exports))._replace(day=draw(st.integers(9, 12))),)
    indices = range(len(exports))
    order = draw(st.permutations([*indices, *draw(st.lists(st.sampled_from(indices), max_size=3))]))
    breaks = [0, *(n for n in range(1, len(order)) if draw(st.integers(0, 3))), len(order)]
    batches = tuple(tuple(order[start:end]) for start, end in pairwise(breaks))
    return World(exports, batches)


def write(exports: Iterable[Export], folder: Path) -> list[Path]:
    """The workbooks of the exports; two of one moment have different names."""
    return [
        workbooks.write(
            folder / f"{number}_{export.source}_2026-02-{export.day:02}_01-00.xlsx",
            export.source,
            [{**workbooks.SAMPLES[export.source], **row} for row in export.rows()],
        )
        for number, export in enumerate(exports)
    ]


def arrive(file: Path, inbox: Path) -> None:
    """Put a copy into the inbox, under another name each time, as old as if it had lain there for long."""
    copy = inbox / f"{len(list(inbox.iterdir())):02} копия {file.name}"
    shutil.copy(file, copy)
    os.utime(copy, (0, 0))
