"""The working clock in SQL against the oracle's walk over the days, both ways; all pairs in one query each."""

from __future__ import annotations

import random
import time
from contextlib import closing
from datetime import date, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from tests.integration.transform import rendered
from tests.oracle.exports import REGION_ZONE
from tests.oracle.working_time import DAY_END, DAY_START, due_moment, is_working_day, whole_minutes, working_time

pytestmark = pytest.mark.postgres

PAIRS = 6000
FIRST, LAST = date(2020, 1, 1), date(2027, 12, 31)
SECOND = timedelta(seconds=1)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
# Worked or not against the rule «Monday to Friday», and the ends of the years.
ODD_DAYS = [day for day in DAYS if is_working_day(day) != (day.weekday() < 5) or (day.month, day.day) > (12, 28)]

MINUTES = """
    select pairs.number, {{ working_minutes("clock.reading_from", "clock.reading_to") }}
    from pairs
    left join int_calendar as started_day on {{ local_date("pairs.started_at") }} = started_day.date
    left join int_calendar as ended_day on {{ local_date("pairs.ended_at") }} = ended_day.date
    cross join lateral (
        select
            {{ working_clock(local_timestamp("pairs.started_at"), "started_day") }} as reading_from,
            {{ working_clock(local_timestamp("pairs.ended_at"), "ended_day") }} as reading_to
    ) as clock
    order by pairs.number
"""
DEADLINES = """
    select
        pairs.number,
        {{ local_timestamp(moment_of_reading("(clock.reading + pairs.norm_minutes * 60)", "due_day")) }}
    from pairs
    left join int_calendar as started_day on {{ local_date("pairs.started_at") }} = started_day.date
    cross join lateral (
        select {{ working_clock(local_timestamp("pairs.started_at"), "started_day") }} as reading
    ) as clock
    left join int_calendar as due_day
        on {{ is_day_of_reading("(clock.reading + pairs.norm_minutes * 60)", "due_day") }}
    order by pairs.number
"""

Pair = tuple[datetime, datetime, int]


def pairs() -> list[Pair]:
    """From, to, norm: nights, week-ends, moved days, ends of years, moments exactly on an edge, equal ones."""
    rng = random.Random(20260703)

    def moment(day: date) -> datetime:
        edges = [
            datetime.combine(day, edge) + shift * SECOND
            for edge in (DAY_START, DAY_END, datetime.min.time())
            for shift in (-1, 0, 1)
        ]
        anywhere = datetime.combine(day, datetime.min.time()) + rng.randrange(86_400) * SECOND
        found = rng.choice([*edges, *[anywhere] * 9])
        return max(found, datetime.combine(FIRST, datetime.min.time()))

    made = []
    for _ in range(PAIRS):
        first_day = rng.choice(rng.choice((DAYS, ODD_DAYS)))
        start = moment(first_day)
        distance = rng.choice((0, 0, 1, 2, 3, 5, 12, 40, 400))
        last_day = min(first_day + timedelta(days=rng.randint(0, distance)), LAST)
        end = rng.choice([start, *[moment(last_day)] * 19])
        norm = rng.choice((1, 60, 240, 480, 539, 540, 541, 1080, rng.randint(1, 20_000)))
        made.append((start, end, norm))
    return made


@pytest.fixture(scope="module")
def told() -> list[Pair]:
    return pairs()


@pytest.fixture
def warehouse_with_calendar(warehouse: Connection, told: list[Pair]) -> Connection:
    """`int_calendar` as the model makes it of the seed alone, and the pairs as moments of the region."""
    rendered.make_seed(warehouse, "production_calendar")
    rendered.make_table(warehouse, "int_calendar", rendered.model("int_calendar"))
    columns = "0 as number, null::timestamptz as started_at, null::timestamptz as ended_at, 0 as norm_minutes"
    rows = [
        (number, start.replace(tzinfo=REGION_ZONE), end.replace(tzinfo=REGION_ZONE), norm)
        for number, (start, end, norm) in enumerate(told)
    ]
    rendered.make_table(warehouse, "pairs", f"select {columns} limit 0", rows)
    return warehouse


def test_the_pairs_hold_every_kind(told: list[Pair]) -> None:
    assert len(told) >= 5000
    assert sum(start == end for start, end, _ in told) > 200
    assert sum(start > end for start, end, _ in told) > 200
    assert sum(start.year < end.year for start, end, _ in told) > 200
    assert sum(not is_working_day(start.date()) for start, _, _ in told) > 1000
    assert sum(is_working_day(start.date()) and start.weekday() > 4 for start, _, _ in told) > 50
    for edge in (DAY_START, DAY_END):
        assert sum(start.time() == edge for start, _, _ in told) > 100
        assert sum(end.time() == edge for _, end, _ in told) > 100
    assert {start.year for start, _, _ in told} == set(range(2020, 2028))


def test_minutes_between_two_moments(warehouse_with_calendar: Connection, told: list[Pair]) -> None:
    with warehouse_with_calendar.cursor() as cursor:
        began = time.monotonic()
        cursor.execute(rendered.render(MINUTES))
        found = [minutes for _, minutes in cursor.fetchall()]
        took = time.monotonic() - began
    expected = [whole_minutes(working_time(start, end)) for start, end, _ in told]
    wrong = [(pair, ours, right) for pair, ours, right in zip(told, found, expected, strict=True) if ours != right]
    assert not wrong, wrong[:10]
    assert took < 2, "set-based: milliseconds"


def test_the_moment_at_which_a_norm_is_reached(warehouse_with_calendar: Connection, told: list[Pair]) -> None:
    with warehouse_with_calendar.cursor() as cursor:
        cursor.execute(rendered.render(DEADLINES))
        found = [moment for _, moment in cursor.fetchall()]
    expected = [due_moment(start, timedelta(minutes=norm)) for start, _, norm in told]
    wrong = [(pair, ours, right) for pair, ours, right in zip(told, found, expected, strict=True) if ours != right]
    assert not wrong, wrong[:10]


@pytest.mark.parametrize(
    "defect",
    [
        "update int_calendar set is_working_day = not is_working_day where date = '2025-11-01'",
        "update int_calendar set working_days_before = working_days_before + 1 where date >= '2026-01-12'",
    ],
)
def test_a_wrong_calendar_would_be_seen(warehouse_with_calendar: Connection, told: list[Pair], defect: str) -> None:
    with warehouse_with_calendar.cursor() as cursor:
        cursor.execute(defect)
    for test in (test_minutes_between_two_moments, test_the_moment_at_which_a_norm_is_reached):
        with pytest.raises(AssertionError):
            test(warehouse_with_calendar, told)


def test_a_reader_has_it_as_a_function(reader_dsn: str, warehouse_with_calendar: Connection, told: list[Pair]) -> None:
    with warehouse_with_calendar as connection, connection.cursor() as cursor:
        cursor.execute(rendered.render("{{ create_working_minutes() }}"))  # before the calendar is published
        cursor.execute("create schema marts; create table marts.dim_calendar as table int_calendar")
        cursor.execute("create view bi.dim_calendar as table marts.dim_calendar")
        cursor.execute("grant select on bi.dim_calendar to bi_reader")
    few = told[:500]
    with closing(psycopg2.connect(reader_dsn)) as reader, reader.cursor() as cursor:
        moments = [[f"{pair[end]}+03" for pair in few] for end in (0, 1)]
        cursor.execute(
            "select bi.working_minutes(started_at, ended_at)"
            " from unnest(%s::timestamptz[], %s::timestamptz[]) as pair (started_at, ended_at)",
            moments,
        )
        assert [minutes for (minutes,) in cursor] == [whole_minutes(working_time(start, end)) for start, end, _ in few]
        cursor.execute("select bi.working_minutes('1999-01-01', now()), bi.working_minutes(null, now())")
        assert cursor.fetchall() == [(None, None)]
