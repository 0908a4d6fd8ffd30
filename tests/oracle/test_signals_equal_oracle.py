"""The signals' SQL against the oracle, every cell, on random worlds with bursts; the tail against exact fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from bench.false_alarms import Signals
from bench.quiet import Counts, noise, poisson
from stack.postgres import Cluster
from tests.oracle import signals as oracle
from tests.oracle.compare import table_differences
from tests.oracle.tables import Table

pytestmark = pytest.mark.postgres

DATABASE = "signals_oracle"
FIRST = date(2026, 1, 5)
PLACES, GROUPS, TOPICS = 56, 19, 125  # in the seeds
KEYS = {
    "rpt_hotspot": ("date", "oktmo", "topic_group", "window_days"),
    "rpt_emerging_topic": ("week_start", "oktmo", "topic_group", "topic"),
}


@pytest.fixture(scope="module")
def connection(postgres_server: Cluster) -> Iterator[Connection]:
    postgres_server.ensure_database(DATABASE)
    with closing(psycopg2.connect(postgres_server.dsn(DATABASE))) as opened:
        yield opened


@pytest.fixture(scope="module")
def signals(postgres_server: Cluster, connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> Signals:
    return Signals(connection, postgres_server.dsn(DATABASE), tmp_path_factory.mktemp("dbt"))


def random_world(rng: Random) -> tuple[Counts, date]:
    """Up to 16 weeks of a few places and topics, some of them bursting now and then."""
    counts = Counts()
    days = rng.randint(30, 110)
    for oktmo in ("60704000", "60740000", "60601000"):
        for topic in ("А → 1", "А → 2", "Б → 3"):
            rate, dispersion, burst = rng.choice((0.05, 0.5, 3, 40)), rng.choice((0, 0.3, 2)), 0
            for number in range(days):
                burst = rng.choice((4, 15, 60)) if rng.random() < 0.02 else burst // 2
                came = poisson(rate * noise(dispersion, rng), rng) + burst
                if came:
                    group, name = topic.split(" → ")
                    counts.received[FIRST + timedelta(days=number), oktmo, group, name] += came
    return counts, FIRST + timedelta(days=days - 1)


def test_every_cell_equals_the_oracle(signals: Signals) -> None:
    compared: Counter[str] = Counter()
    for seed in range(10):
        counts, last = random_world(Random(seed))
        signals.fill(counts, FIRST, last)
        expected = {
            "rpt_hotspot": oracle.hotspots(counts.received, FIRST, last, PLACES, GROUPS),
            "rpt_emerging_topic": oracle.emerging_topics(counts.received, FIRST, last, PLACES, TOPICS),
        }
        for name, keys in KEYS.items():
            ours: Table = {tuple(row.pop(key) for key in keys): row for row in signals.rows(name)}
            assert list(table_differences(name, ours, expected[name])) == [], f"world {seed}"
            compared[name] += len(ours)
    assert compared["rpt_hotspot"] > 200
    assert compared["rpt_emerging_topic"] > 10


def test_a_row_looks_back_nine_weeks_and_no_further(signals: Signals) -> None:
    """So a delta may make the rows of some days alone, and a late message touches nine weeks of them."""
    compared: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for seed in range(10):
        counts, last = random_world(Random(seed))
        signals.fill(counts, FIRST, last)
        before = {name: signals.rows(name) for name in KEYS}
        chosen = {name: set(sorted({_day(row) for row in rows})[seed % 2 :: 2]) for name, rows in before.items()}
        signals.look_at(*chosen.values())
        for name, rows in before.items():
            wanted = [row for row in rows if _day(row) in chosen[name]]
            assert sorted(signals.rows(name), key=str) == sorted(wanted, key=str)
            compared[name] += len(wanted)

        late = FIRST + timedelta(days=20)
        counts.received[late, "60704000", "А", "1"] += 500
        signals.fill(counts, FIRST, last)
        monday = late - timedelta(days=late.weekday())
        reaches = ((late, late + timedelta(days=62)), (monday, monday + timedelta(weeks=8)))
        for (name, rows), (first_touched, last_touched) in zip(before.items(), reaches, strict=True):
            for row in _difference(rows, signals.rows(name)):
                assert first_touched <= _day(row) <= last_touched
                changed[name] += 1
    for counted in (compared, changed):
        assert counted["rpt_hotspot"] > 20
        assert counted["rpt_emerging_topic"] > 1


def _day(row: dict[str, Any]) -> date:
    day = row.get("date") or row["week_start"]
    assert isinstance(day, date)
    return day


def _difference(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in some if row not in others] + [row for row in others if row not in some]


def exact_tail(k: int, total: int, weeks: int, size: int) -> Fraction:
    """P(count >= k) as `ops.count_tail` defines it, for a dispersion of 1 / size."""
    b, c = total + Fraction(1, 2), Fraction(weeks * size)
    probability = Fraction(1)
    for step in range(size):
        probability *= (c + step) / (c + b + step)
    below = Fraction(0)
    for n in range(k):
        below += probability
        probability *= (size + n) * (b + n) / ((n + 1) * (c + size + b + n))
    return 1 - below


def random_points(rng: Random, number: int) -> Iterator[tuple[int, int, int, int]]:
    for _ in range(number):
        total, weeks, size = int(10 ** rng.uniform(0, 2.5)) - 1, rng.randint(4, 8), rng.choice((1, 2, 3, 7, 10, 50))
        mean = (total + 0.5) / weeks
        yield max(0, round(mean + (mean + mean**2 / size) ** 0.5 * rng.uniform(-2, 15))), total, weeks, size


def test_the_tail_is_exact(signals: Signals, connection: Connection) -> None:
    with connection.cursor() as cursor:
        for k, total, weeks, size in random_points(Random(1), 1000):
            exact = exact_tail(k, total, weeks, size)
            cursor.execute("select ops.count_tail(%s, %s, %s, %s)", (k, total, weeks, 1 / size))
            ((ours,),) = cursor.fetchall()
            assert ours == pytest.approx(float(exact), rel=1e-10), (k, total, weeks, size)


def test_the_tail_of_what_cannot_be_is_a_small_number(signals: Signals, connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select ops.count_tail(1000000, 0, 8, 0.02), ops.count_tail(0, 0, 8, 1)")
        assert cursor.fetchall() == [(pytest.approx(0, abs=1e-200), 1)]
        # Large counts, as of the oblast in an emergency: not exact to the last digit, but in time.
        cursor.execute("select ops.count_tail(100000, 80000, 8, 0.1)")
        ((ours,),) = cursor.fetchall()
        assert ours == pytest.approx(oracle.tail(100_000, 80_000, 8, 0.1), rel=1e-6)


def test_within_two_deviations_nothing_is_a_signal(signals: Signals, connection: Connection) -> None:
    """The models do not even sum the tail there."""
    with connection.cursor() as cursor:
        for total in (0, 1, 3, 10, 50, 300, 5000):
            for weeks in (4, 8):
                for dispersion in (0.02, 0.1, 0.5, 1.0):
                    mean = (total + 0.5) / weeks
                    k = int(mean + 2 * (mean * (1 + dispersion * mean) * (1 + 1 / weeks)) ** 0.5)
                    cursor.execute("select ops.count_tail(%s, %s, %s, %s)", (k, total, weeks, dispersion))
                    ((probability,),) = cursor.fetchall()
                    assert probability > 0.005
