"""The life of one message, as exports of different days will show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True)
class Formatted:
    """A number shown in an Excel number format."""

    value: float
    number_format: str


Value = str | int | float | bool | date | datetime | Formatted | None
Cells = dict[str, Value]
Changes = list[tuple[datetime, Cells]]
Told = tuple[str, datetime, str | None, str | None]  # event, event_at, value before and after


@dataclass
class Story:
    """`appears`: from then on exports show it; `changes`: what becomes of its cells and when.

    `expected`: columns of `fct_message` reckoned by hand; None where the message must not get there at all.
    `stays`: how long the window of the exports holds it.
    `events`: all of `fct_message_event` reckoned by hand, in any order; None where they were not.
    `copies`: more rows of it in the same file, by the cells in which they differ.
    """

    trap: str
    key: str
    appears: datetime
    cells: Cells
    changes: Changes = field(default_factory=list)
    expected: Mapping[str, object] | None = field(default_factory=dict)
    copies: list[Cells] = field(default_factory=list)
    cabinet: str = "Ростовская область"
    stays: timedelta = timedelta(days=24)
    events: Sequence[Told] | None = None

    def at(self, moment: datetime) -> Cells:
        """The cells as the system holds them at the moment."""
        cells = dict(self.cells)
        for changed_at, change in sorted(self.changes, key=lambda change: change[0]):
            if changed_at <= moment:
                cells |= change
        return cells


@dataclass(frozen=True)
class Era:
    """Six weeks from a Monday. Weeks 4 and 5 (counted from 0) and the Friday before them have no moved days."""

    start: date

    def at(self, week: int, weekday: int, clock: str = "00:00:00") -> datetime:
        """A local moment; weekday 0 is Monday."""
        return datetime.combine(self.start + timedelta(weeks=week, days=weekday), time.fromisoformat(clock))
