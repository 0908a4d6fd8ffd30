"""The set of exports alone decides the marts: random worlds, loaded in random order, batches and repetitions, with a
build after each batch, against the same exports once each and oldest first, and built in full at the end.

Few worlds by default, always the same; more and new ones by hand: `ANY_ORDER_WORLDS=200 pytest …/test_any_order.py`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, event, example, given
from hypothesis import settings as hypothesis_settings
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.settings import Settings
from stack.postgres import Cluster
from tests.integration.transform.compiled import CompiledModels
from tests.integration.transform.worlds import STATES, Batches, Export, World, arrive, worlds, write

pytestmark = pytest.mark.postgres

WORLDS = int(os.environ.get("ANY_ORDER_WORLDS", "0"))
# Of how many files and rows there were, each arrival tells something else; of two exports of one moment, the later one
# to arrive is the newest.
NOT_COMPARED = {
    "rpt_data_quality": (
        "loads",
        "rows_read",
        "rows_quarantined",
        "rows_in_newest_exports",
        "newest_created_on",
        "newest_held_created_on",
    )
}
RAW = {"pos": "raw.pos_message", "incident": "raw.incident"}
DATABASE = "any_order"

Row = tuple[Any, ...]


class Outcome(NamedTuple):
    """What a warehouse holds: rows by table, and what the ledger says of the files."""

    facts: dict[str, Counter[Row]]
    history: dict[Row, list[tuple[Any, set[str]]]]
    quarantined: Counter[Row]
    read: Counter[Row]


class Warehouse:
    """One warehouse, emptied for each order of arrival."""

    def __init__(self, dsn: str, connection: Connection, settings: Settings) -> None:
        self.dsn = dsn
        self.connection = connection
        self.settings = settings
        self.models = CompiledModels([], [])
        self.deltas = 0

    def fetch(self, query: str) -> list[Row]:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def load(self, files: Sequence[Path], batches: Batches, *, full_at_the_end: bool) -> None:
        """Empty the warehouse and load the files batch by batch as they arrive; a build after each or at the end."""
        tables = self.fetch("select schemaname || '.' || tablename from pg_tables where schemaname in ('raw', 'ops')")
        self.fetch(f"truncate {', '.join(name for (name,) in tables)} restart identity cascade; select")
        with TemporaryDirectory(dir=self.settings.inbox) as inbox:
            settings = replace(self.settings, inbox=inbox)
            for batch in batches:
                for index in batch:
                    arrive(files[index], Path(inbox))
                for source in settings.sources:
                    summary = Loader(self.dsn, source, settings, "any order").run()
                    assert not summary.failed
                    assert not summary.refused
                if not full_at_the_end:
                    self.build()
        if full_at_the_end:
            self.build()

    def build(self) -> None:
        self.deltas += self.models.build(self.connection, self.settings).is_delta

    def outcome(self) -> Outcome:
        """Everything that must not depend on the order."""
        facts = {mart: Counter(self.fetch(f"select {columns} from bi.{mart}")) for mart, columns in self._marts()}
        history = {
            (source, key): without_repeats(versions)
            for source, table in RAW.items()
            for key, versions in self._versions(table).items()
        }
        quarantined = (
            "select source, exported_at, sha256, row_number from ops.quarantine join ops.load using (load_id, source)"
        )
        read = "select source, sha256, exported_at, rows_read from ops.load where status = 'published'"
        return Outcome(facts, history, Counter(self.fetch(quarantined)), Counter(self.fetch(read)))

    def _marts(self) -> list[Row]:
        return [
            (mart, ", ".join(column for column in columns if column not in NOT_COMPARED.get(mart, ())))
            for mart, columns in self.fetch(
                "select table_name::text, array_agg(column_name::text order by ordinal_position)"
                " from information_schema.columns where table_schema = 'bi' group by table_name"
            )
        ]

    def _versions(self, table: str) -> dict[str, dict[Any, set[str]]]:
        versions: dict[str, dict[Any, set[str]]] = defaultdict(lambda: defaultdict(set))
        for key, at, content_hash in self.fetch(f"select source_key, exported_at, content_hash from {table}"):
            versions[key][at].add(content_hash)
        return versions

    def check_ledger(self) -> None:
        """Every row read is accounted for, every version stands in the ledger."""
        assert (
            self.fetch(
                "select load_id, status from ops.load"
                " where status <> 'published'"
                " or rows_read <> rows_new + rows_changed + rows_unchanged + rows_quarantined"
            )
            == []
        )
        for source, table in RAW.items():
            counted = f"select sum(rows_new + rows_changed), sum(rows_new) from ops.load where source = '{source}'"
            stored = f"select count(*), count(distinct source_key) from {table}"
            assert self.fetch(counted) == self.fetch(stored)
        assert self.fetch("select count(*) from ops.quarantine") == self.fetch(
            "select sum(rows_quarantined) from ops.load"
        )
        assert self.fetch("select tablename from pg_tables where schemaname = 'stage'") == []


def without_repeats(versions: dict[Any, set[str]]) -> list[tuple[Any, set[str]]]:
    """A history without the versions that say nothing but what was known before them."""
    kept = []
    known: str | None = None
    for at in sorted(versions):
        if versions[at] != {known}:
            kept.append((at, versions[at]))
            known = max(versions[at])
    return kept


def differences(found: Outcome, expected: Outcome) -> list[str]:
    """A line a difference: where, and the rows or versions of one that the other does not have."""
    lines = [
        f"{table}: {sign} {row}"
        for table in expected.facts
        for sign, rows in (
            ("too many", found.facts[table] - expected.facts[table]),
            ("missing", expected.facts[table] - found.facts[table]),
        )
        for row in rows
    ]
    lines += [
        f"history of {key}: {found.history.get(key)}, in order {expected.history.get(key)}"
        for key in found.history.keys() | expected.history.keys()
        if found.history.get(key) != expected.history.get(key)
    ]
    if found.quarantined != expected.quarantined or found.read != expected.read:
        lines.append(f"ledger: {found.quarantined} {found.read}, in order {expected.quarantined} {expected.read}")
    return lines


def compare_orders(warehouse: Warehouse, world: World) -> list[str]:
    """Load a world as it arrives and in order; what differs."""
    with TemporaryDirectory() as folder:
        files = write(world.exports, Path(folder))
        contents = {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        outcomes = []
        for batches, full_at_the_end in ((world.arrivals, False), (world.in_order(), True)):
            warehouse.load(files, batches, full_at_the_end=full_at_the_end)
            warehouse.check_ledger()
            outcomes.append(warehouse.outcome())
            assert {sha256 for _, sha256, *_ in outcomes[-1].read} == contents
    return differences(*outcomes)


def every_message(source: str, day: int, choice: int) -> Export:
    return Export(source, day, tuple([choice] * len(STATES[source])))


# The newer export comes first, then again what was before it: A → B → A, with B slipping in late.
LATE = World(
    tuple(every_message(source, day, choice) for source in STATES for day, choice in ((9, 0), (10, 1), (11, 0))),
    ((0, 3), (2, 5), (1, 4), (2, 3)),
)

# Two exports of one moment that contradict each other, twice with the same content as of another day.
TIED = World(
    tuple(
        every_message(source, day, choice) for source in STATES for day, choice in ((9, 0), (10, 1), (10, 2), (11, 0))
    ),
    ((2, 6), (3, 7, 2), (1, 5), (0, 4, 6)),
)


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: Cluster, _template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    folder = tmp_path_factory.mktemp("any_order")
    settings = Settings.from_env({"MCU_INBOX": str(folder), "MCU_STATE": str(folder / "state")})
    with postgres_server.superuser() as superuser, superuser.cursor() as cursor:
        cursor.execute(f"create database {DATABASE} template {_template} owner mcu")
        dsn = postgres_server.dsn(DATABASE)
        with closing(psycopg2.connect(dsn)) as connection:
            made = Warehouse(dsn, connection, settings)
            made.models = CompiledModels.compile(dsn, settings, settings.state / "dbt")
            yield made
        cursor.execute(f"drop database {DATABASE} with (force)")


def test_most_builds_of_a_world_are_deltas(warehouse: Warehouse) -> None:
    before = warehouse.deltas
    compare_orders(warehouse, LATE)
    assert warehouse.deltas - before >= len(LATE.arrivals) - 2


def test_a_late_export_is_history_and_no_present(warehouse: Warehouse) -> None:
    assert compare_orders(warehouse, LATE) == []
    ((changes,),) = warehouse.fetch("select count(*) from marts.fct_message_event where event = 'municipality_changed'")
    assert changes >= 4, "there and back, in both systems"
    assert len(warehouse.fetch("select from raw.incident where source_key = '1000'")) == 3, "A → B → A are three"


@hypothesis_settings(
    max_examples=WORLDS or 3,  # the first one is trivial
    deadline=None,
    derandomize=not WORLDS,
    database=None,
    print_blob=True,
    # To shrink takes hundreds of worlds: a world is small, and its blob prints.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(worlds())
@example(TIED)
def test_the_set_of_exports_alone_decides(warehouse: Warehouse, world: World) -> None:
    event(f"exports {len(world.exports)}, arrivals {sum(map(len, world.arrivals))}")
    found = compare_orders(warehouse, world)
    assert not found, "\n".join([f"{len(found)} differences", *found[:20]])


def test_a_publication_that_forgets_later_sightings_would_be_seen(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcu.landing.publish._Statements.keep_later_states", lambda _: None)
    found = compare_orders(warehouse, LATE)
    for place in ("history of", "fct_message:", "fct_message_event:", "fct_municipality_daily:", "rpt_weekly"):
        assert any(line.startswith(place) for line in found), place
