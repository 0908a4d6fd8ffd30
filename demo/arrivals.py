"""Who writes when, where and about what: the daily flow by population and topic, and the planted stories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from demo.reference import HERE, Municipality, Reference, Topic, read_csv

WEEKDAY_WEIGHTS = (1.15, 1.12, 1.10, 1.08, 1.05, 0.78, 0.72)
HOUR_WEIGHTS = (4, 2, 1, 1, 1, 3, 10, 25, 45, 60, 65, 60, 55, 50, 50, 52, 55, 58, 60, 58, 50, 38, 22, 10)
DAYS_A_MONTH = 365.25 / 12
INCIDENT_SHARE = 2 / 3


@dataclass(frozen=True)
class Arrival:
    """A message as it comes; `at` is local time, `source` is «incident» or «pos»."""

    at: datetime
    source: str
    place: Municipality
    topic: Topic


def arrivals(reference: Reference, weeks: int, monthly: int, until: date, rng: Random) -> list[Arrival]:
    """All messages of the `weeks` that end with `until` (a Sunday), in order of time; `monthly` for both systems."""
    flow = [*_daily_flow(reference, weeks, monthly, until, rng), *_stories(reference, monthly, until, rng)]
    return sorted(flow, key=lambda arrival: arrival.at)


def _daily_flow(reference: Reference, weeks: int, monthly: int, until: date, rng: Random) -> Iterator[Arrival]:
    populations = [place.population for place in reference.municipalities]
    topic_weights = [topic.weight for topic in reference.topics]
    for days_back in range(weeks * 7 - 1, -1, -1):
        day = until - timedelta(days=days_back)
        expected = monthly / DAYS_A_MONTH * WEEKDAY_WEIGHTS[day.weekday()] * rng.gauss(1, 0.06)
        count = int(expected + rng.random())
        places = rng.choices(reference.municipalities, populations, k=count)
        topics = rng.choices(reference.topics, topic_weights, k=count)
        for place, topic in zip(places, topics, strict=True):
            yield _arrival(day, place, topic, rng)


def _stories(reference: Reference, monthly: int, until: date, rng: Random) -> Iterator[Arrival]:
    places = {place.oktmo: place for place in reference.municipalities}
    topics = {(topic.group, topic.name): topic for topic in reference.topics}
    for story in read_csv(HERE / "stories.csv"):
        day = until - timedelta(days=until.weekday() - int(story["weekday"]))
        for _ in range(round(float(story["share"]) * monthly)):
            yield _arrival(day, places[story["oktmo"]], topics[story["topic_group"], story["topic"]], rng)


def _arrival(day: date, place: Municipality, topic: Topic, rng: Random) -> Arrival:
    (hour,) = rng.choices(range(24), HOUR_WEIGHTS)
    at = datetime.combine(day, time(hour)) + timedelta(milliseconds=rng.randrange(3_600_000))
    return Arrival(at, "incident" if rng.random() < INCIDENT_SHARE else "pos", place, topic)
