"""The life of one post in «Инцидент Менеджмент»: found, assigned, answered, rated, closed by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from demo import texts
from demo.arrivals import Arrival
from demo.life import Change, Message, Row, as_timestamp, message
from demo.reference import Reference, Topic
from demo.worktime import after_working, working_time

NORM_MINUTES = 540
MEDIAN_MINUTES = {"fast": 85, "steady": 190, "slow": 350}
SPREAD = 0.9
AUTO_CLOSE = timedelta(hours=97)
OUTCOMES = {"Решено": 45, "Разъяснено": 40, "Не решено": 5, "Отложено": 10}
SCORES = {"5": 45, "4": 15, "3": 10, "2": 10, "1": 20}
NETWORKS = {"vk.com": 62, "t.me": 20, "ok.ru": 14, "telegram.me": 4}
EMPTY_TEXT = "'"


@dataclass(frozen=True)
class Card:
    """What the steps of one card's life share; `executor` is None where the department answers itself."""

    arrival: Arrival
    where: texts.Address
    author: str
    department: str
    executor: str | None
    median_minutes: float

    @property
    def created(self) -> datetime:
        return self.arrival.at


def incident(arrival: Arrival, number: int, reference: Reference, rng: Random) -> Message:
    """The whole life of a post; `number` is its own and grows with time."""
    organisation = reference.organisation(arrival.place, arrival.topic, rng)
    card = Card(
        arrival=arrival,
        where=texts.address(arrival.place, rng),
        author=rng.choice(texts.words()["first_names"]),
        department=organisation.name,
        executor=rng.choice(texts.words()["executors"]) if rng.random() < 0.7 else None,
        median_minutes=MEDIAN_MINUTES[organisation.pace],
    )
    base = _found(card, number, rng)
    changes = [(card.created, base), *_corrections(card, base, reference, rng), *_handling(card, rng)]
    return message("incident", changes)


def _found(card: Card, number: int, rng: Random) -> Row:
    topic, place = card.arrival.topic, card.arrival.place
    school = rng.randint(1, 99)
    return {
        "cabinet": "Ростовская область",
        "im_id": 41_000_000 + 7 * number + rng.randrange(7),
        "incident_number": 210_000 + number,
        "department": card.department,
        "first_answer_text": EMPTY_TEXT,
        "executor_in_time": "-",
        "current_step": "Назначение исполнителя",
        "created_at": as_timestamp(card.created),
        "topic_group": topic.group,
        "topic": topic.shown_name,
        "region": "Ростовская область",
        "municipality": place.incident_name,
        "settlement": card.where.settlement,
        "street": card.where.street if rng.random() < 0.8 else None,
        "house": str(card.where.house) if rng.random() < 0.2 else None,
        "object_name": f"Школа № {school}" if "{school}" in topic.complaint else None,
        "incident_type": "Решаемый",
        "answer_has_media": "Нет",
        "message_has_media": "Да" if rng.random() < 0.35 else "Нет",
        "message_text": "'" + _post(topic, card.where, school, rng),
        "executor_answer_1": EMPTY_TEXT,
        "executor_answer_2": EMPTY_TEXT,
        "executor_answer_3": EMPTY_TEXT,
        "audience": rng.choice([None, rng.randint(300, 180_000)]),
        "engagement": rng.randint(0, 90),
        "tags": "важное" if rng.random() < 0.05 else None,
        "note": EMPTY_TEXT,
        "survey_sent": "Нет",
        **_links(place.oktmo, rng),
    }


def _post(topic: Topic, where: texts.Address, school: int, rng: Random) -> str:
    reply_to = f"[id{10**11 + rng.randrange(10**6)}|{rng.choice(texts.words()['first_names'])}], "
    return (reply_to if rng.random() < 0.12 else "") + texts.complaint(topic, where, school, rng)


def _links(oktmo: str, rng: Random) -> Row:
    (domain,) = rng.choices(list(NETWORKS), list(NETWORKS.values()))
    group, post, author = f"{oktmo}{rng.randrange(5)}", rng.randrange(10**6), 10**11 + rng.randrange(10**6)
    if domain == "vk.com":
        blog, url, profile = f"/public{group}", f"/wall-{group}_{post}", f"/id{author}"
    elif domain == "ok.ru":
        blog, url, profile = f"/group/{group}", f"/group/{group}/topic/{post}", f"/profile/{author}"
    else:
        blog, url, profile = f"/demo_{group}", f"/demo_{group}/{post}", f"/demo_user_{author}"
    return {
        "post_url": f"https://{domain}{url}",
        "blog_url": f"https://{domain}{blog}",
        "author_url": f"https://{domain}{profile}",
        "answer_account_url": f"https://{domain}/mcu_{oktmo}" if rng.random() < 0.7 else None,
    }


def _corrections(card: Card, base: Row, reference: Reference, rng: Random) -> Iterator[Change]:
    """First guesses of the moderator, put into `base`, that a later change sets right."""
    if rng.random() < 0.04:
        guess = rng.choice(reference.topics)
        right: Row = {"topic_group": base["topic_group"], "topic": base["topic"]}
        base |= {"topic_group": guess.group, "topic": guess.shown_name}
        yield card.created + timedelta(hours=rng.uniform(2, 60)), right
    if rng.random() < 0.05:
        base["department"] = "Правительство Ростовской области"
        yield after_working(card.created, rng.uniform(5, 500)), {"department": card.department}
    lot = rng.random()
    if lot < 0.035:
        right = {"municipality": base["municipality"], "settlement": base["settlement"]}
        base |= {"municipality": "Ростовская область, другое", "settlement": None}
        if lot < 0.01:
            yield card.created + timedelta(hours=rng.uniform(5, 80)), right


def _handling(card: Card, rng: Random) -> Iterator[Change]:
    lot = rng.random()
    if lot < 0.015:
        assigned = after_working(card.created, rng.uniform(1, 40))
        yield assigned, _assigned(card, assigned)
    elif lot < 0.03:
        closed = card.created + timedelta(hours=rng.uniform(6, 90))
        yield closed, {"incident_type": "Не решаемый", **_closed(card, closed, "Дальнейший диалог нецелесообразен")}
    else:
        yield from _answered_life(card, rng)


def _answered_life(card: Card, rng: Random) -> Iterator[Change]:
    """Assigned, answered for the first time, answered on the merits up to three times, rated and closed."""
    first = _first_answer_moment(card, rng)
    assigned = card.created + (first - card.created) * rng.uniform(0.05, 0.3)
    yield assigned, _assigned(card, assigned)
    (outcome,) = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))
    final = first
    text = texts.final_answer(outcome, card.where, card.author, rng)
    if rng.random() < 0.35:
        yield first, _first_answer(card, first, texts.interim_answer(card.author, rng))
        final = after_working(first, rng.lognormvariate(math.log(card.median_minutes), SPREAD))
    else:
        yield first, _first_answer(card, first, text)
    if card.executor:
        yield from _executor_answer(assigned, final, text, rng)
    for field in ("executor_answer_2", "executor_answer_3"):
        if rng.random() < 0.12:
            final = after_working(final, rng.uniform(200, 2500))
            yield final, {field: "'" + texts.final_answer(outcome, card.where, card.author, rng)}
    yield from _ending(card, final, outcome, rng)


def _first_answer_moment(card: Card, rng: Random) -> datetime:
    """Mostly in working time, at the pace of the body; sometimes an officer on duty answers whatever the hour."""
    if rng.random() < 0.06:
        return card.created + timedelta(minutes=rng.uniform(4, 90))
    return after_working(card.created, rng.lognormvariate(math.log(card.median_minutes), SPREAD))


def _assigned(card: Card, moment: datetime) -> Row:
    return {
        "executor": card.executor,
        "last_assigned_at": as_timestamp(moment),
        "current_step": "Подготовка ответа",
    }


def _first_answer(card: Card, moment: datetime, text: str) -> Row:
    # The system counts its working minutes from the times that it shows, whole seconds.
    shown = working_time(card.created.replace(microsecond=0), moment.replace(microsecond=0))
    return {
        "first_answer_at": as_timestamp(moment),
        "first_answer_text": "'" + text,
        "first_answer_elapsed": _milliseconds(moment - card.created),
        "first_answer_elapsed_working": timedelta(minutes=math.ceil(shown / timedelta(minutes=1))),
    }


def _executor_answer(assigned: datetime, published: datetime, text: str, rng: Random) -> Iterator[Change]:
    drafted = published - min((published - assigned) / 2, timedelta(minutes=rng.uniform(3, 120)))
    yield drafted, {"executor_draft_sent_at": as_timestamp(drafted), "current_step": "Согласование ответа"}
    in_time = working_time(assigned, drafted) <= timedelta(minutes=NORM_MINUTES)
    yield (
        published,
        {
            "executor_first_answer_at": as_timestamp(published),
            "executor_reaction_elapsed": _milliseconds(drafted - assigned),
            "approval_elapsed": _milliseconds(published - drafted),
            "executor_in_time": "Да" if in_time else "Нет",
            "executor_answer_1": "'" + text,
        },
    )


def _ending(card: Card, answered: datetime, outcome: str, rng: Random) -> Iterator[Change]:
    """The satisfaction step; most cards close by themselves, some are closed by a pleased author or by a score."""
    is_surveyed = rng.random() < 0.6
    step: Row = {
        "current_step": "Оценка удовлетворенности",
        "satisfaction_step_at": as_timestamp(answered),
        "outcome": outcome,
        "incident_type": "Информационный" if outcome == "Разъяснено" and rng.random() < 0.3 else "Решаемый",
        "answer_has_media": "Да" if outcome == "Решено" and rng.random() < 0.5 else "Нет",
        "survey_sent": "Да" if is_surveyed else "Нет",
    }
    yield answered, step
    lot = rng.random()
    if lot < 0.1 and outcome == "Решено":
        closed, reason = answered + timedelta(hours=rng.uniform(0.5, 80)), "Автор доволен"
    elif lot < 0.35 and is_surveyed:
        (reason,) = rng.choices(list(SCORES), list(SCORES.values()))
        closed = answered + timedelta(hours=rng.uniform(1, 96))
    else:
        closed = answered + AUTO_CLOSE + timedelta(minutes=rng.uniform(-15, 15))
        reason = "Нет ответа от автора" if lot < 0.93 else "Дальнейший диалог нецелесообразен"
    yield closed, _closed(card, closed, reason)


def _closed(card: Card, moment: datetime, reason: str) -> Row:
    return {
        "current_step": "Готово",
        "closed_at": as_timestamp(moment),
        "total_elapsed": _milliseconds(moment - card.created),
        "closing_reason": reason,
    }


def _milliseconds(elapsed: timedelta) -> timedelta:
    return timedelta(milliseconds=round(elapsed / timedelta(milliseconds=1)))
