"""One citizen's message from all the versions that exports showed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tests.oracle import exports as ex
from tests.oracle.places import (
    authority_of,
    channel_of,
    is_fast_topic,
    municipality_of_incident,
    municipality_of_organisations,
    topic_of,
)
from tests.oracle.pseudonyms import page, pseudonym
from tests.oracle.working_time import NORM, due_moment, midnight, whole_minutes, working_time
from tests.oracle.xlsx import Cell

WORKING_DURATION = "Время с даты создания инцидента до времени первого ответа, рабочее время"
END_OF_DAY = timedelta(hours=23, minutes=59, seconds=59)
NORM_MINUTES = NORM // timedelta(minutes=1)

Versions = list[tuple[datetime, ex.Row]]


@dataclass(frozen=True)
class Message:
    """The current state of a message; all moments are naive local ones."""

    message_id: str
    source: str
    source_key: str
    channel: str
    oktmo: str
    is_municipality_mapped: bool
    topic_group: str
    topic: str
    authority: str
    executor: str | None
    author: str | None
    created_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    due_at: datetime
    first_answer_working_minutes: int | None
    is_first_answer_imputed: bool
    is_fast_track: bool
    is_formal_59fz: bool
    outcome: str | None
    rating: int | None
    is_satisfied: bool | None
    is_reconsidered: bool
    is_answered_on_time: bool | None
    last_seen_exported_at: datetime

    @property
    def late_since(self) -> datetime | None:
        """The moment at which lateness began or will begin if nothing happens; None if it never was late."""
        if self.answered_at:
            return None if self.is_answered_on_time else min(self.due_at, self.answered_at)
        return self.due_at if self.closed_at is None or self.closed_at > self.due_at else None

    def is_open_at(self, end: datetime) -> bool:
        """Created, not answered and not closed before the moment."""
        if self.created_at >= end or (self.answered_at and self.answered_at < end):
            return False
        return not (self.closed_at and self.closed_at < end)

    def is_overdue_at(self, end: datetime) -> bool:
        """Open at the moment and due before it."""
        return self.is_open_at(end) and self.due_at < end


def messages_of(exports: list[ex.Export]) -> list[Message]:
    """All messages that the exports show; raises ValueError where two files of one moment contradict each other."""
    build = {"pos": _pos_message, "incident": _incident_message}
    return [build[source](key, shown) for (source, key), shown in versions_of(exports).items()]


def versions_of(exports: list[ex.Export]) -> dict[tuple[str, str], Versions]:
    """Every sighting of each message by source and key, oldest first; raises ValueError as `messages_of`."""
    versions: dict[tuple[str, str], Versions] = defaultdict(list)
    for export in sorted(exports, key=lambda e: e.exported_at):
        for key, row in export.accepted.items():
            versions[export.source, key].append((export.exported_at, row))
    return {message: _untied(shown) for message, shown in versions.items()}


def _untied(versions: Versions) -> Versions:
    for (at, row), (next_at, next_row) in pairwise(versions):
        if at == next_at and row != next_row:
            raise ValueError(f"two versions of one message at {at}: only the product's content hash could choose")
    return versions


def _incident_message(key: str, versions: Versions) -> Message:
    newest = versions[-1][1]
    created = _required_moment(versions[0][1]["Дата создания"])
    answered = _earliest(versions, "Общее время первого ответа", ex.moment)
    minutes, is_imputed = _first_answer_minutes(versions, created, answered)
    oktmo, is_mapped = municipality_of_incident(ex.text(newest["Муниципалитет"]))
    group, topic = topic_of("incident", ex.text(newest["Группа тем"]), ex.text(newest["Тема"]))
    reason = ex.text(newest["Причина закрытия"])
    rating = mark(reason)
    return Message(
        message_id=f"incident:{key}",
        source="incident",
        source_key=key,
        channel=channel_of(ex.text(newest.get("Урл поста"))),
        oktmo=oktmo,
        is_municipality_mapped=is_mapped,
        topic_group=group,
        topic=topic,
        authority=authority_of(ex.text(newest.get("Отдел"))),
        executor=pseudonym(ex.text(newest.get("Исполнитель"))),
        author=pseudonym(page(ex.text(newest.get("URL автора")))),
        created_at=created,
        answered_at=answered,
        closed_at=ex.moment(newest["Дата окончания"]),
        due_at=due_moment(created),
        first_answer_working_minutes=minutes,
        is_first_answer_imputed=is_imputed,
        is_fast_track="★" in (ex.text(newest["Тема"]) or "") or is_fast_topic(group, topic),
        is_formal_59fz=False,
        outcome=ex.text(newest.get("Итог")),
        rating=rating,
        is_satisfied=True if reason == "Автор доволен" else rating >= 4 if rating else None,
        is_reconsidered=False,
        is_answered_on_time=None if minutes is None else minutes <= NORM_MINUTES,
        last_seen_exported_at=versions[-1][0],
    )


def _pos_message(key: str, versions: Versions) -> Message:
    newest = versions[-1][1]
    created = midnight(_required_moment(versions[0][1]["Дата поступления"]).date())
    completed = _earliest(versions, "Дата фактического завершения работ", ex.day)
    is_fast_track = ex.text(newest["Фаст-трек"]) == "Да"
    planned = ex.day(newest["Дата планируемого завершения работ"])
    due_day = planned or created + timedelta(days=10 if is_fast_track else 30)
    current = ex.text(newest["Организация, в которой находится сообщение"])
    received = ex.text(newest["Организация, в которую поступило сообщение"])
    oktmo, is_mapped = municipality_of_organisations(current, received)
    group, topic = topic_of("pos", *(ex.text(newest.get(level)) for level in ex.POS_TOPIC))
    rating = mark(ex.text(newest["Оценка ответа заявителем"]))
    return Message(
        message_id=f"pos:{key}",
        source="pos",
        source_key=key,
        channel="gosuslugi",
        oktmo=oktmo,
        is_municipality_mapped=is_mapped,
        topic_group=group,
        topic=topic,
        authority=authority_of(current, received),
        executor=None,
        author=None,
        created_at=created,
        answered_at=completed,
        closed_at=None if completed else _closed_without_completion(versions),
        due_at=midnight(due_day.date()) + END_OF_DAY,
        first_answer_working_minutes=None,
        is_first_answer_imputed=False,
        is_fast_track=is_fast_track,
        is_formal_59fz=ex.text(newest.get("Заявитель выбрал подачу по 59-ФЗ")) == "Да",
        outcome=ex.text(newest.get("Тип решения")),
        rating=rating,
        is_satisfied=rating >= 4 if rating else None,
        is_reconsidered=ex.text(newest["Повторное рассмотрение"]) not in (None, "Нет"),
        is_answered_on_time=completed.date() <= due_day.date() if completed else None,
        last_seen_exported_at=versions[-1][0],
    )


def _required_moment(cell: Cell) -> datetime:
    found = ex.moment(cell)
    if found is None:
        raise ValueError("a row without its creation date must not pass the gate")
    return found


def _earliest(versions: Versions, header: str, read: Callable[[Cell], datetime | None]) -> datetime | None:
    return min((shown for _, row in versions if (shown := read(row[header]))), default=None)


def _first_answer_minutes(versions: Versions, created: datetime, answered: datetime | None) -> tuple[int | None, bool]:
    if answered is None:
        return None, False
    showing_it = [row for _, row in versions if ex.moment(row["Общее время первого ответа"]) == answered]
    source_figure = ex.duration(showing_it[-1][WORKING_DURATION])
    if source_figure is None or source_figure < timedelta():
        return whole_minutes(working_time(created, answered)), True
    return whole_minutes(source_figure), False


def _closed_without_completion(versions: Versions) -> datetime | None:
    if ex.text(versions[-1][1]["Стадия"]) != "Завершено":
        return None
    return next(at for at, row in versions if ex.text(row["Стадия"]) == "Завершено")


def mark(written: str | None) -> int | None:
    """A mark from 1 to 5; None for any other text."""
    return int(written) if written in ("1", "2", "3", "4", "5") else None
