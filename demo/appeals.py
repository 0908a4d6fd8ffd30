"""The life of one appeal in ПОС: moderated, sent to a body, worked on, completed, rated, sometimes reconsidered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from demo import texts
from demo.arrivals import Arrival
from demo.life import Change, Message, Row, as_date, message
from demo.reference import Organisation, Reference, Topic
from demo.worktime import is_working

DASH = "-"
ORDINARY_DAYS, FAST_TRACK_DAYS = 30, 10
LATE_SHARE = {"fast": 0.015, "steady": 0.08, "slow": 0.22}
CATEGORIES = {"Здравоохранение/Медицина": "Медицина", "Мусор/Свалки/ТКО": "Мусор"}
SOURCE_CODES = {"EPGU": 50, "MOBILE_EPGU": 30, "WIDGET": 15, "MED_DOC_EPGU": 5}
RESOLUTIONS = {"Решено": 60, "Разъяснено": 28, "Не решено": 6, "Запланировано": 6}
RATINGS = {5: 40, 4: 14, 3: 10, 2: 10, 1: 26}


@dataclass(frozen=True)
class Case:
    """What the steps of one appeal's life share."""

    arrival: Arrival
    organisation: Organisation
    allowed_days: int

    @property
    def received(self) -> datetime:
        return self.arrival.at

    @property
    def planned(self) -> datetime:
        return self.received + timedelta(days=self.allowed_days)


def appeal(arrival: Arrival, number: int, reference: Reference, rng: Random) -> Message:
    """The whole life of an appeal; `number` is its own and grows with time."""
    is_fast_track = arrival.topic.is_fast_track and rng.random() < 0.8
    case = Case(
        arrival=arrival,
        organisation=reference.organisation(arrival.place, arrival.topic, rng),
        allowed_days=FAST_TRACK_DAYS if is_fast_track else ORDINARY_DAYS,
    )
    base = _received(case, number, is_fast_track, rng)
    changes = [(case.received, base), *_corrections(case, base, reference, rng), *_handling(case, rng)]
    return message("pos", changes)


def _received(case: Case, number: int, is_fast_track: bool, rng: Random) -> Row:
    organisation = case.organisation.name
    is_formal = rng.random() < 0.1
    (source_code,) = rng.choices(list(SOURCE_CODES), list(SOURCE_CODES.values()))
    return {
        "pos_number": str(327_000_000 + 31 * number + rng.randrange(31)),
        "epgu_number": str(6_668_000_000 + rng.randrange(10**6)) if source_code != "WIDGET" else DASH,
        "source_code": source_code,
        "top_lko": "Ростовская область",
        **_classified(case.arrival.topic, rng),
        "org_received": organisation,
        "org_current": organisation,
        "received_date": as_date(case.received),
        "planned_date": as_date(case.planned) if rng.random() < 0.98 else DASH,
        "completed_date": DASH,
        "stage": "Модерация",
        "status": "На модерации",
        "is_overdue": "Нет",
        "is_fast_track": "Да" if is_fast_track else "Нет",
        "law_kind": "59-ФЗ" if is_formal else "Обычное сообщение",
        "applicant_chose_59fz": "Да" if is_formal else "Нет",
        "resolution_type": DASH,
        "sent_by_email": DASH,
        "rating": DASH,
        "is_reconsidered": DASH,
        "coordinator_name": texts.official(organisation, "coordinator"),
        "executor_name": DASH,
        "manager_name": texts.official(organisation, "manager"),
    }


def _classified(topic: Topic, rng: Random) -> Row:
    return {
        "category": CATEGORIES.get(topic.group, topic.group),
        "subcategory": topic.shown_name,
        "fact": topic.name if rng.random() < 0.7 else "Иная ситуация",
    }


def _corrections(case: Case, base: Row, reference: Reference, rng: Random) -> Iterator[Change]:
    """A wrong topic or a first holder of the appeal, put into `base`, that a later change sets right."""
    if rng.random() < 0.03:
        right: Row = {field: base[field] for field in ("category", "subcategory", "fact")}
        base |= _classified(rng.choice(reference.topics), rng)
        yield case.received + timedelta(hours=rng.uniform(5, 70)), right
    if rng.random() < 0.08:
        first = rng.choice(["Правительство Ростовской области", case.arrival.place.administration])
        base |= {"org_received": first, "org_current": first}
        yield case.received + timedelta(days=rng.uniform(0.5, 6)), {"org_current": case.organisation.name}


def _handling(case: Case, rng: Random) -> Iterator[Change]:
    working = case.received + timedelta(hours=rng.uniform(8, 40))
    lot = rng.random()
    if lot < 0.005:
        # Closed without ever having a completion date: sent back, say, as a duplicate.
        yield working, {"stage": "Завершено", "status": "Отказано в рассмотрении"}
        return
    completed = _completion_moment(case, rng) if lot < 0.985 else None
    yield case.received + timedelta(hours=rng.uniform(0.2, 6)), {"stage": "Координация", "status": "Назначение"}
    executor = texts.official(case.organisation.name, f"executor {rng.randrange(3)}")
    working_row: Row = {"stage": "Исполнение", "status": "В работе", "executor_name": executor}
    yield min(working, completed - timedelta(hours=2)) if completed else working, working_row
    overdue_from = datetime.combine(case.planned.date() + timedelta(days=1), time())
    if completed is None or completed >= overdue_from:
        yield overdue_from, {"is_overdue": "Да"}
    if completed:
        yield from _completion(completed, rng)


def _completion_moment(case: Case, rng: Random) -> datetime:
    """In office hours of a working day, before the deadline or, by the pace of the body, after it."""
    days = max(1, round(case.allowed_days * rng.triangular(0.03, 0.99, 0.4)))
    if rng.random() < LATE_SHARE[case.organisation.pace]:
        days = case.allowed_days + 1 + round(rng.expovariate(0.25))
    first, day = case.received.date() + timedelta(days=1), case.received.date() + timedelta(days=days)
    while not is_working(day) and day > first:
        day -= timedelta(days=1)
    while not is_working(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(9)) + timedelta(minutes=rng.uniform(0, 510))


def _completion(completed: datetime, rng: Random) -> Iterator[Change]:
    (resolution,) = rng.choices(list(RESOLUTIONS), list(RESOLUTIONS.values()))
    approval = completed - timedelta(hours=rng.uniform(0.3, 1.5))
    yield approval, {"stage": "Утверждение", "status": "На утверждении"}
    done: Row = {
        "completed_date": as_date(completed),
        "stage": "Завершено",
        "status": "Отправлен ответ заявителю",
        "resolution_type": resolution,
    }
    yield completed, done
    lot = rng.random()
    if lot < 0.04:
        yield from _reconsideration(completed, done, rng)
    elif lot < 0.3:
        (rating,) = rng.choices(list(RATINGS), list(RATINGS.values()))
        yield completed + timedelta(days=rng.uniform(0.1, 6)), {"rating": rating}


def _reconsideration(completed: datetime, done: Row, rng: Random) -> Iterator[Change]:
    """The applicant disagrees: the completion date is blanked and then given anew, or only moved later."""
    reopened = completed + timedelta(days=rng.uniform(1, 7))
    again = reopened + timedelta(days=rng.uniform(2, 9))
    if rng.random() < 0.6:
        blank: Row = {"completed_date": DASH, "stage": "Исполнение", "status": "В работе", "resolution_type": DASH}
        yield reopened, {"is_reconsidered": "Да", **blank}
        yield again, {**done, "completed_date": as_date(again)}
    else:
        yield again, {"is_reconsidered": "Да", "completed_date": as_date(again)}
