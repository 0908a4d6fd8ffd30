"""The signals a second time, from daily counts, as docs/signals.md reads: no SQL, one place and day after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, fsum, lgamma, sqrt

from tests.oracle.tables import Row, Table

WEEK = timedelta(days=7)
ONE_DAY = timedelta(days=1)
WINDOWS = (1, 2, 7)
MOST_WEEKS, LEAST_WEEKS, LEAST_RECEIVED, CAP = 8, 4, 5, 4

Daily = Mapping[tuple[date, str, str, str], int]  # day, ОКТМО, topic group, topic
Place = tuple[str, ...]  # ОКТМО and topic group, perhaps topic


@dataclass(frozen=True)
class Count:
    """How many came, and how many in each of the weeks before, the nearest first."""

    received: int
    past: Sequence[int]

    @property
    def weeks(self) -> int:
        return len(self.past)

    @property
    def capped(self) -> list[int]:
        middle = sorted(self.past)[(self.weeks - 1) // 2]
        return [min(n, CAP * (middle + 1)) for n in self.past]

    @property
    def expected(self) -> float:
        return (sum(self.capped) + 0.5) / self.weeks

    @property
    def mean_and_variance(self) -> tuple[float, float]:
        mean = sum(self.capped) / self.weeks
        return mean, sum((n - mean) ** 2 for n in self.capped) / (self.weeks - 1)


def dispersion(pool: Sequence[Count]) -> float:
    """Of the places that share it: beyond Poisson, by moments, leaning to a tenth where little is known.

    Each place counts in whole millionths.
    """
    above = squares = 0
    for one in pool:
        mean, variance = one.mean_and_variance
        weight = 1 / (1 + 0.1 * mean) ** 2
        above += round(1_000_000 * (weight * (variance - mean)))
        squares += round(1_000_000 * (weight * (mean**2 - variance / one.weeks)))
    return min(max((above / 1_000_000 + 0.1 * 5) / (max(squares / 1_000_000, 0) + 5), 0.02), 1.0)


def tail(k: int, total: int, weeks: int, dispersed: float) -> float:
    """P(count >= k): a negative binomial whose parameter is beta distributed as `weeks` counts with this sum tell."""
    size, c, b = 1 / dispersed, weeks / dispersed, total + 0.5

    def probability(n: int) -> float:
        return exp(
            lgamma(size + n) - lgamma(n + 1) - lgamma(size)
            + lgamma(c + size) + lgamma(b + n) - lgamma(c + size + b + n)
            - lgamma(c) - lgamma(b) + lgamma(c + b)
        )  # fmt: skip

    terms: list[float] = []
    while not terms or terms[-1] * (k + len(terms) + size + b + c) > 1e-10 * c * terms[0]:
        terms.append(probability(k + len(terms)))
    return fsum(terms)


def _signals(counts: Mapping[Place, Count], limit: float) -> dict[Place, Row]:
    """Of the counts of one window: those that are improbable."""
    pools: dict[str, list[Count]] = defaultdict(list)
    for place, count in counts.items():
        pools["all" if place[0] == "all" else place[1]].append(count)
    dispersions = {name: dispersion(pool) for name, pool in pools.items()}
    found: dict[Place, Row] = {}
    for place, count in counts.items():
        dispersed = dispersions["all" if place[0] == "all" else place[1]]
        mean = count.expected
        spread = sqrt(mean * (1 + dispersed * mean) * (1 + 1 / count.weeks))
        if count.received < LEAST_RECEIVED or count.received <= mean + 2 * spread:
            continue
        probability = tail(count.received, sum(count.capped), count.weeks, dispersed)
        if probability <= limit:
            found[place] = {
                "received": count.received,
                "expected": mean,
                "excess": count.received - mean,
                "probability": probability,
                "dispersion": dispersed,
                "baseline_weeks": count.weeks,
            }
    return found


def _with_oblast(daily: Daily, levels: int) -> dict[Place, dict[date, int]]:
    """By place and topic group (levels 1) or topic (2): how many a day; the oblast too."""
    by_place: dict[Place, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for (day, oktmo, *topic), received in daily.items():
        for place in (oktmo, "all"):
            by_place[place, *topic[:levels]][day] += received
    return by_place


def hotspots(daily: Daily, first: date, last: date, places: int, groups: int) -> Table:
    """rpt_hotspot of the days from `first` to `last`; `places`, `groups`: how many there are to be compared."""
    by_place = _with_oblast(daily, 1)
    limit = 0.5 / ((places + 1) * groups * len(WINDOWS))
    table: Table = {}
    day = first
    while day <= last:
        of_day: dict[Place, dict[int, Row]] = defaultdict(dict)
        for length in WINDOWS:
            weeks = min(((day - first).days - length + 1) // 7, MOST_WEEKS)
            if weeks >= LEAST_WEEKS:
                counts = {
                    place: Count(
                        _window(there, day, length),
                        [_window(there, day - WEEK * week, length) for week in range(1, weeks + 1)],
                    )
                    for place, there in by_place.items()
                }
                for place, row in _signals(counts, limit).items():
                    of_day[place][length] = row
        for is_oblast in (True, False):
            ranked = sorted(
                (place for place in of_day if (place[0] == "all") is is_oblast),
                key=lambda place: min(_number(row["probability"]) for row in of_day[place].values()),
            )
            for rank, place in enumerate(ranked, 1):
                windows = of_day[place]
                strongest = min(windows, key=lambda length: _number(windows[length]["probability"]))
                for length, row in windows.items():
                    mark: Row = {"is_strongest_window": length == strongest, "rank_in_day": rank}
                    table[(day, *place, length)] = row | mark
        day += ONE_DAY
    return table


def emerging_topics(daily: Daily, first: date, last: date, places: int, topics: int) -> Table:
    """rpt_emerging_topic of the whole weeks from `first`, a Monday, to `last`; the first week is nobody's past."""
    by_place = _with_oblast(daily, 2)
    limit = 1.0 / ((places + 1) * topics)
    table: Table = {}
    monday = first + WEEK
    while monday + WEEK - ONE_DAY <= last:
        weeks = min((monday - first).days // 7 - 1, MOST_WEEKS)
        if weeks >= LEAST_WEEKS:
            counts = {
                place: Count(
                    _window(there, monday + 6 * ONE_DAY, 7),
                    [_window(there, monday + 6 * ONE_DAY - WEEK * week, 7) for week in range(1, weeks + 1)],
                )
                for place, there in by_place.items()
            }
            found = _signals(counts, limit)
            for is_oblast in (True, False):
                here = [place for place in found if (place[0] == "all") is is_oblast]
                for rank, place in enumerate(sorted(here, key=lambda p: _number(found[p]["probability"])), 1):
                    count = counts[place]
                    table[(monday, *place)] = found[place] | {
                        "is_new": not any(count.past),
                        "weeks_growing": _growing([count.received, *count.past]),
                        "rank_in_week": rank,
                    }
        monday += WEEK
    return table


def _window(there: Mapping[date, int], day: date, length: int) -> int:
    return sum(there.get(day - ONE_DAY * back, 0) for back in range(length))


def _growing(newest_first: Sequence[int]) -> int:
    steps = 0
    while steps + 1 < len(newest_first) and newest_first[steps] > newest_first[steps + 1]:
        steps += 1
    return steps


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value
