"""Daily counts of an oblast in which nothing happens: weekdays, seasons, holidays, noise, and no outbreak.

Places, topics and their weights are the demo's. Outbreaks are planted on request.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from demo.arrivals import DAYS_A_MONTH, WEEKDAY_WEIGHTS
from demo.reference import SEEDS, Reference

SUNDAY = 6
SEASON = 0.3
ONE_DAY = timedelta(days=1)

Cell = tuple[str, str]  # ОКТМО, topic group


@dataclass(frozen=True)
class World:
    """`monthly`: messages; `dispersion`: of a place's topic group by day, a tenth of it oblast-wide."""

    monthly: int
    dispersion: float
    first_date: date
    days: int

    def dates(self) -> list[date]:
        return [self.first_date + ONE_DAY * number for number in range(self.days)]


@dataclass
class Counts:
    """Messages by day, ОКТМО, topic group and topic; `expected`: the rate of a cell on a day."""

    received: dict[tuple[date, str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    expected: dict[tuple[date, Cell], float] = field(default_factory=dict)


def quiet(world: World, reference: Reference, rng: Random) -> Counts:
    """The counts of each day of a world."""
    counts = Counts()
    inhabitants = sum(place.population for place in reference.municipalities)
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for topic in reference.topics:
        groups[topic.group].append((topic.name, topic.weight))
    all_weights = sum(topic.weight for topic in reference.topics)
    phases = {group: rng.random() for group in groups}
    holidays = set(_holidays())
    for day in world.dates():
        weight = WEEKDAY_WEIGHTS[SUNDAY if day in holidays else day.weekday()]
        for group, topics in groups.items():
            season = 1 + SEASON * math.sin(2 * math.pi * (day.timetuple().tm_yday / 365.25 + phases[group]))
            share = sum(w for _, w in topics) / all_weights
            rate = world.monthly / DAYS_A_MONTH * weight * season * share
            rate_here = rate * noise(world.dispersion / 10, rng)
            for place in reference.municipalities:
                counts.expected[day, (place.oktmo, group)] = rate * place.population / inhabitants
                number = poisson(rate_here * place.population / inhabitants * noise(world.dispersion, rng), rng)
                for name in rng.choices([name for name, _ in topics], [w for _, w in topics], k=number):
                    counts.received[day, place.oktmo, group, name] += 1
    return counts


def noise(dispersion: float, rng: Random) -> float:
    """A factor with mean 1 and this variance."""
    return rng.gammavariate(1 / dispersion, dispersion) if dispersion else 1.0


def poisson(mean: float, rng: Random) -> int:
    """By the gaps between arrivals."""
    number, left = -1, mean
    while left >= 0:
        number += 1
        left -= rng.expovariate(1.0)
    return number


def _holidays() -> Iterator[date]:
    with (SEEDS / "production_calendar.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["is_working_day"] == "false":
                yield date.fromisoformat(row["date"])
