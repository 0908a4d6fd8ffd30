"""How often the signals are false on quiet data, and which outbreaks they find: python -m bench.false_alarms.

The models' own SQL runs on a real PostgreSQL over counts made up by bench.quiet. Prints the tables of docs/signals.md.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from bench import environment
from bench.quiet import ONE_DAY, Cell, Counts, World, quiet
from demo.reference import SEEDS, Reference, load_reference
from mcu.landing import pseudonym, schema
from mcu.settings import Settings
from mcu.transform import dbt

SIGNALS = ("rpt_hotspot", "rpt_emerging_topic")
FIRST_DATE = date(2024, 1, 1)
WARM_UP = timedelta(days=63)
DAYS = 364 + WARM_UP.days
VOLUMES = (6_000, 60_000)
DISPERSIONS = (0.0, 0.5)

# What the models read, as far as they read it.
TABLES = """
drop schema if exists staging, intermediate cascade;
create schema staging;
create schema intermediate;
create table staging.municipalities (oktmo text);
create table staging.topics (topic_group text, topic text);
create table intermediate.int_source_period (source text, first_date date, last_date date);
create table intermediate.int_week (source text, week_start date, is_first_week boolean);
create table intermediate.int_signal_date (date date);
create table intermediate.int_signal_week (week_start date);
create table intermediate.int_municipality_daily_now (
    date date, oktmo text, source text, topic_group text, received bigint
);
create table intermediate.int_weekly_topic_now (
    week_start date, oktmo text, topic_group text, topic text, received bigint
);
"""
SPANS = """
truncate intermediate.int_source_period, intermediate.int_week;
truncate intermediate.int_signal_date, intermediate.int_signal_week;
insert into intermediate.int_source_period values ('all', %(first)s, %(last)s);
insert into intermediate.int_week
select 'all', week::date, row_number() over (order by week) = 1
from generate_series(%(first)s::timestamp, %(last)s::date - 6, interval '1 week') as week;
insert into intermediate.int_signal_date
select day::date from generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') as day;
insert into intermediate.int_signal_week select week_start from intermediate.int_week
"""


@dataclass(frozen=True)
class Hotspot:
    """A row of rpt_hotspot."""

    date: date
    cell: Cell
    window_days: int


@dataclass(frozen=True)
class Emerging:
    """A row of rpt_emerging_topic."""

    week_start: date
    is_oblast: bool


@dataclass(frozen=True)
class Outbreak:
    """Two days in one cell that get messages beyond their `usual` ones, so that they hold `size` on average.

    `is_second`: three weeks after one of the same size there.
    """

    usual: float
    size: int
    is_second: bool = False

    def __str__(self) -> str:
        return f"{self.usual:g} → {self.size} in two days{', again after three weeks' * self.is_second}"


OUTBREAKS = (
    *(Outbreak(0.2, 4), Outbreak(0.2, 5), Outbreak(0.2, 8), Outbreak(1, 6), Outbreak(1, 10)),
    *(Outbreak(3, 41), Outbreak(3, 41, is_second=True), Outbreak(3, 20), Outbreak(3, 15)),
    Outbreak(10, 30),
)
PLANTED = 30


class Signals:
    """The compiled models over tables that the caller fills."""

    def __init__(self, connection: Connection, dsn: str, target: Path) -> None:
        self._connection = connection
        schema.apply(connection, os.environ.get(pseudonym.VARIABLE, "the bench has no people"))
        with connection, connection.cursor() as cursor:
            cursor.execute(TABLES)
            for seed, columns in (("municipalities", ["oktmo"]), ("topics", ["topic_group", "topic"])):
                with (SEEDS / f"{seed}.csv").open(encoding="utf-8") as file:
                    rows = [tuple(row[column] for column in columns) for row in csv.DictReader(file)]
                cursor.copy_expert(f"copy staging.{seed} from stdin", _copied(rows))
        self._queries = compiled(dsn, target)

    def fill(self, counts: Counts, first: date, last: date) -> None:
        """Let the models see these counts, from `first` (a Monday) to `last`."""
        daily: Counter[tuple[date, str, str]] = Counter()
        weekly: Counter[tuple[date, str, str, str]] = Counter()
        for (day, oktmo, group, topic), received in counts.received.items():
            daily[day, oktmo, group] += received
            monday = day - ONE_DAY * day.weekday()
            for place in (oktmo, "all"):
                weekly[monday, place, group, topic] += received
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(SPANS, {"first": first, "last": last})
            cursor.execute("truncate intermediate.int_municipality_daily_now, intermediate.int_weekly_topic_now")
            days = ((day, oktmo, "incident", group, n) for (day, oktmo, group), n in daily.items())
            for table, rows in (
                ("int_municipality_daily_now", days),
                ("int_weekly_topic_now", ((*key, n) for key, n in weekly.items())),
            ):
                cursor.copy_expert(f"copy intermediate.{table} from stdin", _copied(rows))
            cursor.execute("analyze intermediate.int_municipality_daily_now, intermediate.int_weekly_topic_now")

    def look_at(self, dates: Iterable[date], weeks: Iterable[date]) -> None:
        """Let the models make rows of these days and weeks alone, as in a delta build."""
        with self._connection, self._connection.cursor() as cursor:
            for table, days in (("int_signal_date", dates), ("int_signal_week", weeks)):
                cursor.execute(f"truncate intermediate.{table}")
                cursor.execute(f"insert into intermediate.{table} select unnest(%s::date[])", (list(days),))

    def rows(self, model: str) -> list[dict[str, Any]]:
        """What the model makes of the counts."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(self._queries[model])
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, values, strict=True)) for values in cursor]

    def hotspots(self) -> list[Hotspot]:
        """Of all windows."""
        return [
            Hotspot(row["date"], (row["oktmo"], row["topic_group"]), row["window_days"])
            for row in self.rows("rpt_hotspot")
        ]

    def emerging(self) -> list[Emerging]:
        """Of all weeks."""
        return [Emerging(row["week_start"], row["oktmo"] == "all") for row in self.rows("rpt_emerging_topic")]


def compiled(dsn: str, target: Path) -> dict[str, str]:
    """The SQL of the two models, for the database of the DSN."""
    settings = Settings.from_env({})
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "compile", *dbt.flags(settings, target)]
    command += ["--no-introspect", "--select", *SIGNALS]
    subprocess.run(command, env=dbt.environment(dsn), check=True, stdout=subprocess.DEVNULL)
    folder = target / "compiled" / "mcu" / "models" / "marts" / "reports"
    return {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in SIGNALS}


def _copied(rows: Iterable[tuple[object, ...]]) -> StringIO:
    return StringIO("".join("\t".join(map(str, row)) + "\n" for row in rows))


# What is counted --------------------------------------------------------------------------------


def episodes(days_by_cell: Iterable[Sequence[date]]) -> int:
    """Alarms of one cell with less than a week between them are one."""
    return sum(
        1 + sum(later - earlier > timedelta(days=7) for earlier, later in pairwise(sorted(days)))
        for days in days_by_cell
        if days
    )


def false_alarm_rates(hotspots: list[Hotspot], emerging: list[Emerging], world: World) -> dict[str, float]:
    """Per day or week, of the days after the warm-up."""
    start = world.first_date + WARM_UP
    days = world.days - WARM_UP.days
    rates: dict[str, float] = {}
    for scope, is_all in (("places", False), ("the oblast", True)):
        shown = [h for h in hotspots if h.date >= start and (h.cell[0] == "all") is is_all]
        by_cell: dict[Cell, set[date]] = defaultdict(set)
        for one in shown:
            by_cell[one.cell].add(one.date)
        rates[f"hotspots a day, {scope}"] = sum(map(len, by_cell.values())) / days
        rates[f"hotspot episodes a week, {scope}"] = episodes([sorted(d) for d in by_cell.values()]) / days * 7
        topics = [e for e in emerging if e.week_start >= start and e.is_oblast is is_all]
        rates[f"emerging topics a week, {scope}"] = len(topics) / days * 7
    return rates


def planted(
    counts: Counts, world: World, outbreaks: Sequence[Outbreak], number: int, rng: Random
) -> dict[Outbreak, list[tuple[date, Cell]]]:
    """Plant up to `number` of each into cells whose two days are within a fifth of the usual; their second days.

    A cell gets one in twelve weeks, a topic group one in ten days.
    """
    taken: dict[Outbreak, list[tuple[date, Cell]]] = {outbreak: [] for outbreak in outbreaks}
    days_of: dict[Cell | str, list[date]] = defaultdict(list)
    topics = {group: topic for _, _, group, topic in counts.received}
    # The scarce cells first: large counts are in few places.
    for outbreak in sorted(outbreaks, key=lambda one: -one.usual):
        for day, cell in _fitting(counts, world, outbreak, rng):
            if len(taken[outbreak]) == number:
                break
            is_free = all(abs(day - other) >= timedelta(weeks=12) for other in days_of[cell])
            if is_free and all(abs(day - other) >= timedelta(days=10) for other in days_of[cell[1]]):
                taken[outbreak].append((day, cell))
                days_of[cell].append(day)
                days_of[cell[1]].append(day)
                for start in (day, day - timedelta(weeks=3))[: 1 + outbreak.is_second]:
                    for _ in range(round(outbreak.size - outbreak.usual)):
                        counts.received[start - ONE_DAY * rng.randrange(2), *cell, topics[cell[1]]] += 1
    return taken


def _fitting(counts: Counts, world: World, outbreak: Outbreak, rng: Random) -> list[tuple[date, Cell]]:
    start = world.first_date + WARM_UP
    fitting = [
        (day, cell)
        for (day, cell), rate in counts.expected.items()
        if day >= start and 0.8 <= (rate + counts.expected[day - ONE_DAY, cell]) / outbreak.usual <= 1.2
    ]
    rng.shuffle(fitting)
    return fitting


def found(hotspots: list[Hotspot], planted_at: list[tuple[date, Cell]]) -> tuple[int, int]:
    """How many outbreaks show a signal on their first day, how many by the end of the second."""
    alarms = {(one.date, one.cell) for one in hotspots}
    first = sum((day - ONE_DAY, cell) in alarms for day, cell in planted_at)
    second = sum((day - ONE_DAY, cell) in alarms or (day, cell) in alarms for day, cell in planted_at)
    return first, second


# The command ------------------------------------------------------------------------------------


def main() -> None:
    """Measure and print."""
    reference = load_reference()
    with environment.alone(), environment.server() as cluster:
        cluster.ensure_database("signals")
        dsn = cluster.dsn("signals")
        connection = psycopg2.connect(dsn)
        signals = Signals(connection, dsn, environment.FOLDER / "dbt")
        for line in _measured(signals, reference):
            print(line, flush=True)
        connection.close()


def _measured(signals: Signals, reference: Reference) -> Iterator[str]:
    rows: dict[str, list[str]] = defaultdict(list)
    worlds = [World(volume, dispersion, FIRST_DATE, DAYS) for volume in VOLUMES for dispersion in DISPERSIONS]
    for world in worlds:
        counts = quiet(world, reference, Random(1))
        last = world.dates()[-1]
        signals.fill(counts, FIRST_DATE, last)
        for name, rate in false_alarm_rates(signals.hotspots(), signals.emerging(), world).items():
            rows[name].append(f"{rate:.3f}")
        counts = quiet(world, reference, Random(2))
        taken = planted(counts, world, OUTBREAKS, PLANTED, Random(3))
        signals.fill(counts, FIRST_DATE, last)
        hotspots = signals.hotspots()
        for outbreak, places in taken.items():
            first, second = found(hotspots, places)
            n = len(places)
            rows[str(outbreak)].append(f"{first / n:.0%} / {second / n:.0%} of {n}" if n else "–")
    yield "| | " + " | ".join(f"{w.monthly:,} a month, dispersion {w.dispersion:g}" for w in worlds) + " |"
    yield "|---|" + "---|" * len(worlds)
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
