"""Loaders that are killed with SIGKILL at every step, PostgreSQL likewise, and loaders side by side.

Whatever is killed, readers see the warehouse as it was before or after a whole load, and the next run ends as if
nothing had happened.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing import schema
from mcu.settings import Settings
from stack.ports import free_port
from stack.postgres import Cluster
from tests.integration.landing.forked_loader import Ended, Forge, Order, forge
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres

# Of these columns two runs differ that come to the same.
VOLATILE = {"result_id", "validated_at", "quarantined_at", "started_at", "finished_at", "seen_at", "run_id"}
GATES_OWN_QUESTIONS = ("SELECT", "show ", "select pg_catalog.version()", "select current_schema()")
INTERRUPTED = "прервано"

Facts = dict[str, list[str]]


class Warehouse:
    """What stands in a warehouse, up to ids and times."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall()

    def facts(self) -> Facts:
        """All rows of `raw` and `ops` that readers count on, by table: not the files seen, nor loads that failed."""
        tables = self.ask(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('raw', 'ops') "
            "and tablename <> 'inbox_file' order by 1"
        )
        statement = " union all ".join(f"select '{name}', to_jsonb(t) from {name} as t" for (name,) in tables)
        rows = [row for row in self.ask(statement) if row[0] != "ops.load" or row[1]["status"] == "published"]
        uris = {row["load_id"]: row["uri"] for table, row in rows if table == "ops.load"}
        found: Facts = {name: [] for (name,) in tables}
        for table, row in rows:
            plain = {name: value for name, value in row.items() if name not in VOLATILE}
            if "load_id" in plain:
                plain["load_id"] = uris.get(plain["load_id"], "of a load that is not published")
            found[table].append(json.dumps(plain, sort_keys=True, ensure_ascii=False))
        return {table: sorted(rows) for table, rows in found.items()}

    def files_seen(self) -> list[tuple[Any, ...]]:
        return self.ask("select uri, size, version, sha256, exported_at, source from ops.inbox_file order by uri")

    def unpublished(self) -> list[tuple[Any, ...]]:
        return self.ask("select uri, status, error from ops.load where status <> 'published' order by load_id")

    def leftovers(self) -> list[str]:
        """What lies in the schema of the stage tables; the names of views are random."""
        found = self.ask(
            "select case relkind when 'v' then 'a view' else relname end from pg_class "
            "where relnamespace = 'stage'::regnamespace and relkind in ('r', 'v') order by 1"
        )
        return [name for (name,) in found]

    def sums_are_right(self) -> bool:
        return self.ask(
            """
            select bool_and(
                rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined
                and rows_new + rows_changed = (
                    select count(*) from (select load_id from raw.incident union all select load_id from raw.pos_message)
                    as version where version.load_id = load.load_id
                )
                and rows_quarantined = (select count(*) from ops.quarantine where quarantine.load_id = load.load_id)
                and rows_read = (select sum(rows_read) from ops.load_day where load_day.load_id = load.load_id)
            )
            from ops.load where status = 'published'
            """
        ) == [(True,)]

    def wait_until(self, statement: str, value: object) -> None:
        end = time.monotonic() + 60
        while self.ask(statement) != [(value,)]:
            assert time.monotonic() < end, statement
            time.sleep(0.01)

    def wait_until_left(self) -> None:
        """Return when the server has noticed that everybody is gone."""
        self.wait_until(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
            "and backend_type = 'client backend'",
            0,
        )


class House:
    """An inbox, a warehouse with what came before, copies of it to load into, and what undisturbed runs make of it."""

    def __init__(self, server: Cluster, template: str, loaders: Forge, folder: Path) -> None:
        self.loaders = loaders
        self._server = server
        self._numbers = count(1)
        self.inbox = folder / "inbox"
        self.environment = {"MCU_INBOX": str(self.inbox), "MCU_STATE": str(folder / "state")}
        self._template = template

    def copy(self) -> Warehouse:
        """A fresh warehouse with what came before."""
        name = f"killed_{next(self._numbers)}"
        with self._server.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(f"create database {name} template {self._template} owner mcu")
        return Warehouse(self._server.dsn(name))

    def drop(self, warehouse: Warehouse) -> None:
        with self._server.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(f"drop database {warehouse.dsn.rsplit('/', 1)[1]} with (force)")

    def keep(self, warehouse: Warehouse) -> None:
        """From now on `copy` copies this one."""
        warehouse.wait_until_left()
        self._template = warehouse.dsn.rsplit("/", 1)[1]

    def order(self, warehouse: Warehouse, source: str = "incident", **how: Any) -> Order:
        return Order(warehouse.dsn, source, self.environment, **how)

    def run(self, warehouse: Warehouse, source: str = "incident", **how: Any) -> Ended:
        (ended,) = self.loaders.run(self.order(warehouse, source, **how))
        return ended


@pytest.fixture(scope="module")
def loaders() -> Iterator[Forge]:
    with forge() as loaders:
        yield loaders


@pytest.fixture(scope="module")
def house(
    postgres_server: Cluster, _template: str, loaders: Forge, tmp_path_factory: pytest.TempPathFactory
) -> House:
    """One export came before, the newest. Two older ones arrive late: they even restate what it showed."""
    house = House(postgres_server, _template, loaders, tmp_path_factory.mktemp("killed"))
    warm, before = house.copy(), house.copy()
    write_incidents(house.inbox / "И_2026-02-13_08-00.xlsx", [incident(n, tags="а") for n in range(1, 9)])
    loaders.warm(house.order(warm))
    assert house.run(before).error == []
    house.keep(before)
    return house


def incident(number: int, **cells: object) -> dict[str, object]:
    return {"im_id": number, "cabinet": "Азов" if number % 2 else "Ростов", **cells}


@pytest.fixture(scope="module")
def states(house: House) -> list[Facts]:
    """What readers may see: nothing more than before, one whole load more, all. The inbox is filled."""
    warehouse = house.copy()
    states = [warehouse.facts()]
    late = [
        [incident(1, tags="а"), incident(2, tags="б"), incident(3, tags="б"), incident(9), incident(10, created_at="-")],
        [incident(1, tags="в"), incident(2, tags="а"), incident(3, tags="б"), incident(3, tags="г"), incident(9)],
    ]
    for day, rows in zip((10, 11), late, strict=True):
        write_incidents(house.inbox / f"И_2026-02-{day}_08-00.xlsx", rows, extra=["Новый"])
        assert house.run(warehouse).error == []
        states.append(warehouse.facts())
    assert len({json.dumps(state) for state in states}) == 3
    assert warehouse.leftovers() == []
    assert warehouse.sums_are_right()
    house.drop(warehouse)
    return states


def check_after_a_kill(warehouse: Warehouse, states: list[Facts]) -> None:
    """Readers see a state before or after a whole load; at most one load hangs in the air, with at most its table."""
    assert warehouse.facts() in states
    assert warehouse.sums_are_right()
    unpublished = warehouse.unpublished()
    assert [status for _, status, _ in unpublished] in ([], ["running"])
    tables = [name for name in warehouse.leftovers() if name != "a view"]
    assert len(tables) <= len(unpublished)


def check_end(warehouse: Warehouse, states: list[Facts], interrupted: int = 1) -> None:
    """As if nothing had happened, but that a load may be told of as interrupted."""
    assert warehouse.facts() == states[-1]
    assert warehouse.sums_are_right()
    assert warehouse.leftovers() == []
    assert {(status, error) for _, status, error in warehouse.unpublished()} <= {("failed", INTERRUPTED)}
    assert len(warehouse.unpublished()) <= interrupted
    assert all(source == "incident" for *_, source in warehouse.files_seen())
    assert len(warehouse.files_seen()) == len(states)


def at(ended: Ended, step: str, nth: int = 1) -> int:
    """The position of the nth step whose name begins like this."""
    return [i for i, name in enumerate(ended.steps) if name.startswith(step)][nth - 1]


def kill_points(steps: list[str]) -> Iterator[int]:
    """Every step of a run over two files, until the second is staged, and the end.

    Of the gate's own questions, which change nothing, the first of each view.
    """
    staged = [i for i, step in enumerate(steps) if step.startswith("analyze \"stage\"")][1]
    for i, step in enumerate(steps):
        is_first_question = step.startswith("SELECT 1 FROM gate")
        is_second_publication = staged < i < len(steps) - 4
        if (is_first_question or not step.startswith(GATES_OWN_QUESTIONS)) and not is_second_publication:
            yield i


def test_killed_at_each_step(house: House, states: list[Facts]) -> None:
    whole = house.copy()
    undisturbed = house.run(whole)
    assert undisturbed.error == []
    check_end(whole, states, interrupted=0)
    points = list(kill_points(undisturbed.steps))
    continued: set[str] = set()
    began = time.monotonic()
    for point in points:
        warehouse = house.copy()
        killed = house.run(warehouse, at=point)
        assert killed.signal == signal.SIGKILL
        warehouse.wait_until_left()
        check_after_a_kill(warehouse, states)
        found = [warehouse.facts(), warehouse.files_seen(), warehouse.unpublished(), warehouse.leftovers()]
        if (state := json.dumps(found, default=str)) not in continued:  # else the next run would find the very same
            continued.add(state)
            assert house.run(warehouse).error == [], undisturbed.steps[point]
            check_end(warehouse, states)
        house.drop(warehouse)
    print(f"{len(points)} kills, {len(continued)} different ends, {time.monotonic() - began:.0f} s")
    assert len(points) > 80
    assert len(continued) > 10
