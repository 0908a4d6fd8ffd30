"""The events of one message, told from its versions as docs/metrics.md defines them: a walk along the exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tests.oracle import exports as ex
from tests.oracle.messages import Versions, mark, versions_of
from tests.oracle.places import (
    authority_of,
    municipality_of_incident,
    municipality_of_organisations,
    topic_of,
)
from tests.oracle.working_time import midnight

DONE, AT_WORK = "Завершено", "Исполнение"
ASSIGNED, STEP = "Время назначения последнего исполнителя", "Время попадания на шаг оценка удовлетворенности"
CLOSED, COMPLETED, STAGE = "Дата окончания", "Дата фактического завершения работ", "Стадия"


@dataclass(frozen=True)
class Event:
    """One event; moments are naive local ones. `exported_at`: of the first export that showed it."""

    message_id: str
    event: str
    exported_at: datetime
    source: str
    event_at: datetime
    is_moment_exact: bool
    value_before: str | None = None
    value_after: str | None = None


def events_of(exports: list[ex.Export]) -> list[Event]:
    """All events that the exports tell."""
    found = []
    for (source, key), versions in versions_of(exports).items():
        message_id = f"{source}:{key}"
        found += [Event(message_id, *event) for event in _walk(source, versions)]
    return found


Told = tuple[str, datetime, str, datetime, bool, str | None, str | None]


def _walk(source: str, versions: Versions) -> Iterator[Told]:
    yield from _stated(source, versions)
    read = _READ[source]
    for event, value in read.items():
        before: str | None = None
        for number, (at, row) in enumerate(versions):
            after = value(row)
            if after != before and not (number == 0 and event.endswith("_changed")):
                name = "reopened" if event == "closed" and after is None else event
                moment = _closing_moment(source, row) if name == "closed" else None
                yield name, at, source, moment or at, moment is not None, before, after
            before = after
    if source == "pos":
        stages = [None, *(ex.text(row[STAGE]) for _, row in versions)]
        for (before, after), (at, _) in zip(pairwise(stages), versions, strict=True):
            if after == AT_WORK != before:
                yield "assigned", at, source, at, False, before, after


def _stated(source: str, versions: Versions) -> Iterator[Told]:
    """What the rows date: creation and first answer once, each assignment and satisfaction step once a moment."""
    first_at, first = versions[0]
    created = ex.moment(first[ex.CREATED[source]])
    assert created
    answers = _first_shown(versions, ex.ANSWERED[source], source)
    told = [("created", midnight(created.date()) if source == "pos" else created, first_at)]
    told += [("first_answer", moment, at) for moment, at in sorted(answers.items())[:1]]
    if source == "incident":
        for event, header in (("assigned", ASSIGNED), ("satisfaction_step", STEP)):
            told += [(event, moment, at) for moment, at in _first_shown(versions, header, source).items()]
    for event, moment, at in told:
        yield event, at, source, moment, True, None, None


def _first_shown(versions: Versions, header: str, source: str) -> dict[datetime, datetime]:
    """Each moment that a column ever showed, and the first export that showed it."""
    shown: dict[datetime, datetime] = {}
    for at, row in versions:
        try:
            moment = (ex.day if source == "pos" else ex.moment)(row.get(header))
        except ex.UnreadableError:
            continue
        if moment:
            shown.setdefault(moment, at)
    return shown


def _closing(source: str) -> Callable[[ex.Row], str | None]:
    def incident(row: ex.Row) -> str | None:
        moment = ex.moment(row[CLOSED])
        return moment.isoformat(" ") if moment else None

    def pos(row: ex.Row) -> str | None:
        return DONE if ex.text(row[STAGE]) == DONE or ex.day(row[COMPLETED]) else None

    return {"incident": incident, "pos": pos}[source]


def _closing_moment(source: str, row: ex.Row) -> datetime | None:
    return ex.moment(row[CLOSED]) if source == "incident" else ex.day(row[COMPLETED])


def _text_of_mark(written: str | None) -> str | None:
    number = mark(written)
    return str(number) if number else None


def _pos_organisations(row: ex.Row) -> tuple[str | None, str | None]:
    into, now_in = "Организация, в которую поступило сообщение", "Организация, в которой находится сообщение"
    return ex.text(row[now_in]), ex.text(row[into])


# What a version shows, by the event that tells its change.
_READ: dict[str, dict[str, Callable[[ex.Row], str | None]]] = {
    "incident": {
        "closed": _closing("incident"),
        "rated": lambda row: _text_of_mark(ex.text(row["Причина закрытия"])),
        "topic_changed": lambda row: " → ".join(topic_of("incident", ex.text(row["Группа тем"]), ex.text(row["Тема"]))),
        "authority_changed": lambda row: authority_of(ex.text(row.get("Отдел"))),
        "municipality_changed": lambda row: municipality_of_incident(ex.text(row["Муниципалитет"]))[0],
    },
    "pos": {
        "closed": _closing("pos"),
        "rated": lambda row: _text_of_mark(ex.text(row["Оценка ответа заявителем"])),
        "reconsidered": lambda row: None if ex.text(row["Повторное рассмотрение"]) in (None, "Нет") else "Да",
        "topic_changed": lambda row: " → ".join(topic_of("pos", *(ex.text(row.get(level)) for level in ex.POS_TOPIC))),
        "authority_changed": lambda row: authority_of(*_pos_organisations(row)),
        "municipality_changed": lambda row: municipality_of_organisations(*_pos_organisations(row))[0],
    },
}
