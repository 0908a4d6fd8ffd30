"""The product against the oracle, every cell of every table, on exports full of traps.

More sets of exports by hand: `ORACLE_SEEDS=1,2,3 pytest tests/oracle/test_marts_equal_oracle.py`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.settings import DEFAULT_EXPORTED_AT_PATTERN, Settings
from mcu.transform.build import build_marts
from stack.postgres import Cluster
from tests.oracle.compare import differences, published_table, published_tables, table_differences
from tests.oracle.exports import REGION_ZONE, read_folder
from tests.oracle.tables import KEYS, Tables, compute
from tests.oracle.trap_exports import Written, write_exports

pytestmark = pytest.mark.postgres

SEEDS = [int(seed) for seed in os.environ.get("ORACLE_SEEDS", "0").split(",")]
SHOWN = 60


@dataclass(frozen=True)
class Case:
    """A set of exports, loaded and built. `exports`: the folder; `dsn`: the warehouse."""

    written: Written
    exports: Path
    dsn: str
    oracle: Tables


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def case(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: Cluster,
    _template: str,
) -> Iterator[Case]:
    exports, state = tmp_path_factory.mktemp("exports"), tmp_path_factory.mktemp("state")
    written = write_exports(exports, request.param)
    database = f"oracle_{request.param}"
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {database} template {_template} owner mcu")
        dsn = postgres_server.dsn(database)
        _load_in_two_parts(dsn, exports, state, random.Random(request.param))
        yield Case(written, exports, dsn, compute(exports))
        cursor.execute(f"drop database {database} with (force)")


@pytest.fixture
def connection(case: Case) -> Iterator[Connection]:
    with closing(psycopg2.connect(case.dsn)) as opened:
        yield opened


def _settings(inbox: Path, state: Path) -> Settings:
    return Settings(
        inbox=str(inbox),
        mailbox=None,
        state=state,
        timezone=REGION_ZONE,
        region="Ростовская область",
        sources=("pos", "incident"),
        exported_at_pattern=re.compile(DEFAULT_EXPORTED_AT_PATTERN),
    )


def _load_in_two_parts(dsn: str, exports: Path, state: Path, rng: random.Random) -> None:
    """Half of the files first, so that exports arrive after newer ones of the same messages; a build after each."""
    files = sorted(path.relative_to(exports) for path in exports.rglob("*.xlsx"))
    rng.shuffle(files)
    inbox = state / "inbox"
    for part in (files[: len(files) // 2], files[len(files) // 2 :]):
        for file in part:
            (inbox / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(exports / file, inbox / file)
        for source in ("pos", "incident"):
            summary = Loader(dsn, source, _settings(inbox, state), "oracle").run()
            assert not summary.failed
        build_marts(dsn, _settings(inbox, state), state / "dbt")


def test_every_cell_equals_the_oracle(case: Case, connection: Connection) -> None:
    ours = published_tables(connection)
    assert all(len(ours[name]) > 10 for name in KEYS)
    found = differences(ours, case.oracle)
    by_column = Counter(re.sub(r"\(.*?\)", "", line.split(":")[0]) for line in found)
    assert not found, "\n".join([f"{len(found)} differences: {by_column}", *found[:SHOWN]])


WRONG_EVENTS = {
    "moved": "event_at = event_at + interval '1 second' where event = 'assigned'",
    "shown by another export": "exported_at = exported_at + interval '1 day' where event = 'first_answer'",
    "of another kind": "event = 'closed' where event = 'reopened'",
    "inexact": "is_moment_exact = not is_moment_exact where event = 'closed'",
    "with another value": "value_after = 'Дороги → Пробки' where event = 'topic_changed'",
    "with no value before": "value_before = null where event = 'municipality_changed'",
    "of another message": "message_id = 'pos:0' where event = 'rated'",
}


@pytest.mark.parametrize("change", WRONG_EVENTS.values(), ids=WRONG_EVENTS)
def test_a_wrong_event_would_be_seen(case: Case, connection: Connection, change: str) -> None:
    assignment, condition = change.split(" where ")
    one = f"(select ctid from marts.fct_message_event where {condition} limit 1)"
    with connection.cursor() as cursor:
        cursor.execute(f"update marts.fct_message_event set {assignment} where ctid = {one}")
        assert cursor.rowcount == 1
    table = "fct_message_event"
    found = list(table_differences(table, published_table(connection, table), case.oracle[table]))
    connection.rollback()
    # A wrong part of the key: one row too many and one missing.
    assert len(found) == (2 if assignment.split(" ")[0] in KEYS[table] else 1)


# Mart → the table that holds its rows, what to do to one of them, where, and the column that shows it.
WRONG_NUMBERS = {
    "fct_message": ("message_current", "rating = rating + 1000", "rating is not null", "rating"),
    "rpt_daily_overdue": (
        "message_overdue",
        "due_clock = due_clock - 60000",
        "upper(overdue_days) - lower(overdue_days) = 1 and lower(overdue_days) > '2025-11-10'",
        "overdue_working_minutes",
    ),
    "rpt_answer_quality": ("rpt_answer_quality", "rated = rated + 1000", "rated > 0", "rated"),
    "fct_municipality_daily": ("municipality_daily", "received = received + 1000", "received > 0", "received"),
    **{
        name: (name, "received = received + 1000", "received > 0", "received")
        for name in KEYS
        if name.startswith(("rpt_weekly", "rpt_daily_summary"))
    },
}


@pytest.mark.parametrize("table", [name for name in KEYS if name != "fct_message_event"])
def test_a_wrong_number_would_be_seen(case: Case, connection: Connection, table: str) -> None:
    stored, assignment, condition, column = WRONG_NUMBERS[table]
    with connection.cursor() as cursor:
        row = f"(select ctid from marts.{stored} where {condition} limit 1)"
        cursor.execute(f"update marts.{stored} set {assignment} where ctid = {row}")
        assert cursor.rowcount == 1
    found = list(table_differences(table, published_table(connection, table), case.oracle[table]))
    connection.rollback()
    assert len(found) == 1
    assert f" {column}: ours " in found.pop()


def test_every_trap_is_in_the_product_as_reckoned_by_hand(case: Case, connection: Connection) -> None:
    ours = published_table(connection, "fct_message")
    wrong = []
    for source, stories in case.written.stories.items():
        for story in (s for s in stories if s.trap):
            row = ours.get((f"{source}:{story.key}",))
            found = None if row is None else {c: row[c] for c in story.expected or ()}
            if found != story.expected:
                wrong.append(f"{source}: {story.trap}: expected {story.expected}, found {found}")
    assert not wrong, "\n".join(wrong)


def test_each_file_is_counted_as_the_oracle_counts_it(case: Case, connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select source, rows_read, rows_quarantined, exported_at from ops.load where status = 'published'"
        )
        ours = [(s, read, bad, at.astimezone(REGION_ZONE).replace(tzinfo=None)) for s, read, bad, at in cursor]
        cursor.execute("select uri from ops.load where status = 'refused'")
        refused = [uri for (uri,) in cursor]
    known = {(e.source, e.rows_read, len(e.quarantined), e.exported_at) for e in read_folder(case.exports)}
    assert sorted(ours) == sorted(known)
    assert refused == [case.written.refused.name]
