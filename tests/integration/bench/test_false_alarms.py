"""The signals on made-up data, as docs/signals.md states them: quiet data stay quiet, an outbreak is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from random import Random

import psycopg2
import pytest

from bench.false_alarms import WARM_UP, Outbreak, Signals, false_alarm_rates, found, planted
from bench.quiet import World, quiet
from demo.reference import load_reference
from stack.postgres import Cluster

pytestmark = pytest.mark.postgres

DATABASE = "false_alarms"
WORLD = World(monthly=6_000, dispersion=0.5, first_date=date(2025, 1, 6), days=WARM_UP.days + 70)


@pytest.fixture(scope="module")
def signals(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signals]:
    postgres_server.ensure_database(DATABASE)
    dsn = postgres_server.dsn(DATABASE)
    with closing(psycopg2.connect(dsn)) as connection:
        yield Signals(connection, dsn, tmp_path_factory.mktemp("dbt"))


def test_quiet_data_stay_under_the_stated_rate(signals: Signals) -> None:
    counts = quiet(WORLD, load_reference(), Random(1))
    signals.fill(counts, WORLD.first_date, WORLD.dates()[-1])
    rates = false_alarm_rates(signals.hotspots(), signals.emerging(), WORLD)
    assert rates["hotspots a day, places"] + rates["hotspots a day, the oblast"] <= 0.5
    assert rates["emerging topics a week, places"] + rates["emerging topics a week, the oblast"] <= 1


def test_an_outbreak_is_found_and_a_ripple_is_not(signals: Signals) -> None:
    counts = quiet(WORLD, load_reference(), Random(2))
    outbreak, second, ripple = Outbreak(3, 41), Outbreak(3, 41, is_second=True), Outbreak(3, 5)
    taken = planted(counts, WORLD, [outbreak, second, ripple], 6, Random(3))
    signals.fill(counts, WORLD.first_date, WORLD.dates()[-1])
    hotspots = signals.hotspots()
    assert {one: (len(places), found(hotspots, places)[1]) for one, places in taken.items()} == {
        outbreak: (6, 6),
        second: (6, 6),
        ripple: (6, 0),
    }
