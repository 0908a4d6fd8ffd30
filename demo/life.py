"""The life of a message: a history of changes, and its state at any moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

Cell = str | int | datetime | timedelta | None
Row = dict[str, Cell]
Change = tuple[datetime, Row]


@dataclass(frozen=True)
class Message:
    """A message of one source. `history`: changes in order of time, the first one (at `created_at`) fills the row."""

    source: str
    created_at: datetime
    history: tuple[Change, ...]


def message(source: str, changes: Iterable[Change]) -> Message:
    """A message from its changes in any order; of changes at one moment the later given wins."""
    history = tuple(sorted(changes, key=lambda change: change[0]))
    return Message(source, history[0][0], history)


def state(message: Message, at: datetime) -> Row:
    """The row as the system shows it `at` a moment: field of the column map → cell; empty before the creation."""
    row: Row = {}
    for moment, fields in message.history:
        if moment > at:
            break
        row |= fields
    return row


def as_timestamp(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS`, the way «Инцидент Менеджмент» writes a moment."""
    return moment.isoformat(sep=" ", timespec="seconds")


def as_date(moment: datetime) -> str:
    """`DD.MM.YYYY`, the way ПОС writes a day."""
    return f"{moment:%d.%m.%Y}"
