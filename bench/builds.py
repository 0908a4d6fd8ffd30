"""How long the marts take: a full build over histories of several lengths, then the same news into each."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg2
from psycopg2.extensions import connection as Connection

from bench import history
from bench.environment import in_a_process
from bench.history import LAST_DAY
from mcu.landing import schema
from mcu.settings import Settings
from mcu.transform import build, checks, dbt, marts
from stack.paths import StackError
from stack.postgres import READER, Cluster

HISTORIES = (100_000, 1_000_000, 10_000_000)
DATABASE = "bench_builds"
QUERY_ROUNDS = 5
MOSCOW = dt.timezone(dt.timedelta(hours=3))

FULL, NIGHT, HOUR, LATE = "full", "night", "hour", "late"

# What the news of a build are: a query of message numbers (the newest is 0, those to come are negative) and places.
NEWS = {
    # Sunday to Monday: a week ends. Sunday's messages, answers of that day to the newest 100,000, towns corrected.
    NIGHT: f"""
        select -number as number, null::integer as place from generate_series(1, 3000) as number
        union all
        (
            select number, null from stage.bench_message(0, 99999)
            where answered_at::date = date '{LAST_DAY}' + 1 and mod(number, 200) <> 0
            order by number
            limit 2600
        )
        union all
        select number * 200, (stage.bench_random(number, 20, 50))::integer from generate_series(0, 399) as number
    """,
    # An hour of Monday morning: nothing but messages and answers of a day that is not over.
    HOUR: f"""
        select -3000 - number as number, null::integer as place from generate_series(1, 150) as number
        union all
        (
            select number, null from stage.bench_message(0, 99999)
            where answered_at::date = date '{LAST_DAY}' + 2
            order by number
            limit 100
        )
    """,
    # Towns of messages from all of history are corrected.
    LATE: """
        select number * {every} as number, (stage.bench_random(number, 21, 50))::integer as place
        from generate_series(0, 599) as number
    """,
}
EXPORTED_AT = {
    NIGHT: dt.datetime.combine(LAST_DAY, dt.time(), MOSCOW) + dt.timedelta(days=2),
    HOUR: dt.datetime.combine(LAST_DAY, dt.time(), MOSCOW) + dt.timedelta(days=2, hours=9),
    LATE: dt.datetime.combine(LAST_DAY, dt.time(), MOSCOW) + dt.timedelta(days=2, hours=10),
}

# What a BI tool asks of each mart: one page of a dashboard, of the newest days or weeks.
QUERIES = {
    "dim_municipality": "select * from bi.dim_municipality",
    "dim_topic": "select * from bi.dim_topic",
    "dim_authority": "select * from bi.dim_authority",
    "dim_channel": "select * from bi.dim_channel",
    "dim_calendar": "select * from bi.dim_calendar where date between '{day}'::date - 90 and '{day}'",
    "dim_source": "select * from bi.dim_source",
    "fct_message": """
        select channel, count(*), avg(rating) from bi.fct_message
        where oktmo = '60701000' and created_at >= '{day}'::date - 30 group by channel
    """,
    "fct_message_event": """
        select event, count(*) from bi.fct_message_event
        where event_at >= '{day}'::date - 3 group by event
    """,
    "fct_municipality_daily": """
        select topic_group, sum(received), sum(answered) from bi.fct_municipality_daily
        where date > '{day}'::date - 28 group by topic_group
    """,
    "rpt_daily_summary": "select * from bi.rpt_daily_summary where date = '{day}'",
    "rpt_daily_overdue": "select * from bi.rpt_daily_overdue where date = '{day}' and oktmo = '60701000'",
    "rpt_data_quality": "select * from bi.rpt_data_quality",
    "rpt_hotspot": "select * from bi.rpt_hotspot where date = '{day}'",
    "rpt_emerging_topic": "select * from bi.rpt_emerging_topic where week_start = '{week}'",
    "rpt_answer_quality": "select * from bi.rpt_answer_quality where week_start = '{week}'",
    "rpt_unmapped": "select * from bi.rpt_unmapped",
    "rpt_weekly_authority": "select * from bi.rpt_weekly_authority where week_start = '{week}'",
    "rpt_weekly_municipality": "select * from bi.rpt_weekly_municipality where week_start = '{week}'",
    "rpt_weekly_region": "select * from bi.rpt_weekly_region order by week_start",
    "rpt_weekly_topic": "select * from bi.rpt_weekly_topic where week_start = '{week}' and oktmo = 'all'",
}


@dataclass(frozen=True)
class Built:
    """One build: of how many messages, after which news, seconds of each step (dbt's start-up included)."""

    messages: int
    news: str
    rows: int
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


@dataclass(frozen=True)
class Asked:
    """A query to a mart: median milliseconds, warm."""

    messages: int
    mart: str
    milliseconds: float


def measure(cluster: Cluster, folder: Path, messages: int) -> Iterator[Built | Asked]:
    """Make a history, build all of it, then each of the news; ask every mart at the end. The database is dropped."""
    cluster.ensure_database(DATABASE)
    cluster.open_reader()
    dsn = cluster.dsn(DATABASE)
    try:
        with closing(psycopg2.connect(dsn)) as connection:
            schema.apply(connection, "the bench has no people")
            history.make(connection, messages)
            yield Built(messages, FULL, messages, run(dsn, folder))
            for news, query in NEWS.items():
                rows = history.change(connection, news, query.format(every=max(1, messages // 600)), EXPORTED_AT[news])
                yield Built(messages, news, rows, run(dsn, folder))
        with closing(psycopg2.connect(cluster.dsn(DATABASE, READER))) as reader:
            yield from ask(reader, messages)
    finally:
        with cluster.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(f"drop database if exists {DATABASE} with (force)")


def run(dsn: str, folder: Path) -> dict[str, float]:
    """Seconds of each step of a build in a process of its own, as the tasks of the DAG run it."""
    seconds: dict[str, float] = in_a_process("bench.builds", dsn, str(folder))
    return seconds


def ask(reader: Connection, messages: int) -> Iterator[Asked]:
    """Ask every mart of `bi`; raises StackError for one that no query is written for, or whose answer is empty."""
    reader.autocommit = True
    with reader.cursor() as cursor:
        cursor.execute("select viewname from pg_views where schemaname = 'bi' order by viewname")
        for (mart,) in cursor.fetchall():
            if mart not in QUERIES:
                raise StackError(f"bench/builds.py has no query for bi.{mart}.")
            query = QUERIES[mart].format(day=LAST_DAY, week=LAST_DAY - dt.timedelta(days=LAST_DAY.weekday() + 7))
            times = []
            for _ in range(QUERY_ROUNDS + 1):
                started = time.perf_counter()
                cursor.execute(query)
                cursor.fetchall()
                times.append(1000 * (time.perf_counter() - started))
            yield Asked(messages, mart, median(times[1:]))


def _build(dsn: str, folder: Path) -> dict[str, float]:
    settings = Settings.from_env({"MCU_STATE": str(folder)})
    seconds: dict[str, float] = {}

    def step(name: str, started: float) -> float:
        now = time.monotonic()
        seconds[name] = now - started
        return now

    with closing(psycopg2.connect(dsn)) as connection:
        at = time.monotonic()
        opened = marts.begin(connection, "bench", settings.sources, dbt.fingerprint(settings))
        at = step("begin", at)
        for layer in dbt.LAYERS:
            outcome = build.build_layers(dsn, connection, settings, opened.build_id, (layer,), settings.state / "dbt")
            if outcome.returncode:
                raise StackError("\n".join(outcome.failures))
            at = step(layer, at)
        failed = checks.check_marts(dsn, connection, settings.state, opened.is_delta)
        if failed:
            raise StackError("\n".join(failed))
        at = step("check", at)
        marts.publish(connection, opened.build_id)
        step("publish", at)
    return seconds


if __name__ == "__main__":
    print(json.dumps(_build(sys.argv[1], Path(sys.argv[2]))))
