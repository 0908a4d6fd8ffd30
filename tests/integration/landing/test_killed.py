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
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from mcu.landing import schema
from mcu.landing.load import Loader
from mcu.quality import suites
from mcu.settings import Settings
from mcu.sources.columns import SOURCES
from stack.ports import free_port
from stack.postgres import Cluster
from tests.integration.landing.forked_loader import (
    Ended,
    ForkedLoader,
    interrupted_loads_are_not_closed,
    orphans_are_left,
    publish_commits_in_its_middle,
)
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres

# Of these columns two runs differ that come to the same.
VOLATILE = {"result_id", "validated_at", "quarantined_at", "started_at", "finished_at", "seen_at", "run_id"}
GATES_OWN_QUESTIONS = ("SELECT", "show ", "select pg_catalog.version()", "select current_schema()")
INTERRUPTED = "прервано"
EXPECTATIONS = 4  # of each suite

Facts = dict[str, list[str]]


class Warehouse:
    """What stands in a warehouse, up to ids and times."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg2.connect(dsn)

    def close(self) -> None:
        self._connection.close()

    def reconnect(self) -> None:
        """Return when the server that was killed is there again."""
        end = time.monotonic() + 60
        self.close()
        while self._connection.closed:
            with suppress(psycopg2.OperationalError):
                self._connection = psycopg2.connect(self.dsn)
            assert time.monotonic() < end

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def tables(self) -> list[str]:
        """Those that runs write to."""
        found = self.ask(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('raw', 'ops') order by 1"
        )
        return [name for (name,) in found]

    def facts(self) -> Facts:
        """All rows of `raw` and `ops` that readers count on, by table: not the files seen, nor loads that failed."""
        tables = [name for name in self.tables() if name != "ops.inbox_file"]
        statement = " union all ".join(f"select '{name}', to_jsonb(t) from {name} as t" for name in tables)
        rows = [row for row in self.ask(statement) if row[0] != "ops.load" or row[1]["status"] == "published"]
        uris = {row["load_id"]: row["uri"] for table, row in rows if table == "ops.load"}
        found: Facts = {name: [] for name in tables}
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

    def everything(self) -> str:
        """All that the next run could come upon."""
        found = [self.facts(), self.files_seen(), self.unpublished(), self.leftovers()]
        return json.dumps(found, default=str)

    def sums_are_right(self) -> bool:
        return self.ask(
            """
            select coalesce(bool_and(
                rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined
                and rows_new + rows_changed = (
                    (select count(*) from raw.incident where incident.load_id = load.load_id)
                    + (select count(*) from raw.pos_message where pos_message.load_id = load.load_id)
                )
                and rows_quarantined = (select count(*) from ops.quarantine where quarantine.load_id = load.load_id)
                and rows_read = (select sum(rows_read) from ops.load_day where load_day.load_id = load.load_id)
            ), true)
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
    """An inbox, a warehouse with what came before, and copies of it to load into."""

    def __init__(self, server: Cluster, template: str, folder: Path) -> None:
        self._server = server
        self._template = template
        self._numbers = count(1)
        self._loaders: list[ForkedLoader] = []
        self.inbox = folder / "inbox"
        self._environment = {"MCU_INBOX": str(self.inbox), "MCU_STATE": str(folder / "state")}

    @contextmanager
    def copy(self) -> Iterator[Warehouse]:
        """A warehouse with what came before."""
        name = f"killed_{next(self._numbers)}"
        self._administer(f"create database {name} template {self._template} owner mcu")
        warehouse = Warehouse(self._server.dsn(name))
        try:
            yield warehouse
        finally:
            for loader in self._loaders:
                loader.kill()
            self._loaders.clear()
            warehouse.close()
        self._administer(f"drop database {name} with (force)")

    def _administer(self, statement: str) -> None:
        with self._server.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def keep(self, warehouse: Warehouse) -> None:
        """From now on copy this one."""
        tables = warehouse.tables()
        copies = (f'create table kept."{table}" as table {table};' for table in tables)
        warehouse.ask(f"create schema kept; {' '.join(copies)} select")
        warehouse.wait_until_left()
        warehouse.close()
        self._template = warehouse.dsn.rsplit("/", 1)[1]

    def reset(self, copy: Warehouse) -> None:
        """As if copied anew, but many times faster."""
        tables = sorted(copy.tables(), key=lambda table: table != "ops.load")  # the others refer to it
        inserts = (f'insert into {table} overriding system value table kept."{table}";' for table in tables)
        copy.ask(
            f"drop schema stage cascade; create schema stage; truncate {', '.join(tables)}; "
            f"{' '.join(inserts)} "
            "select setval('ops.load_load_id_seq', max(load_id)) from ops.load"
        )

    def start(self, warehouse: Warehouse, source: str = "incident", **how: Any) -> ForkedLoader:
        loader = ForkedLoader(warehouse.dsn, source, self._environment, **how)
        self._loaders.append(loader)
        return loader

    def run(self, warehouse: Warehouse, source: str = "incident", **how: Any) -> Ended:
        return self.start(warehouse, source, **how).wait()

    def run_here(self, warehouse: Warehouse, source: str = "incident") -> None:
        Loader(warehouse.dsn, source, Settings.from_env(self._environment), "a run").run()


@pytest.fixture(scope="module")
def suites_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Suites of few expectations: what is to be interrupted, many times, is the steps around them."""
    folder = tmp_path_factory.mktemp("expectations")
    for source in (*SOURCES, "load"):
        suite = json.loads(suites.path(source).read_text(encoding="utf-8"))
        suite["expectations"] = suite["expectations"][:EXPECTATIONS]
        (folder / f"{source}.json").write_text(json.dumps(suite), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suites, "FOLDER", folder)
        yield


@pytest.fixture(scope="module")
def house(
    postgres_server: Cluster, _template: str, suites_folder: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One export came before, the newest. Two older ones arrive late: they even restate what it showed."""
    house = House(postgres_server, _template, tmp_path_factory.mktemp("killed"))
    with house.copy() as before:
        write_incidents(house.inbox / "И_2026-02-13_08-00.xlsx", [incident(n, tags="а") for n in range(1, 9)])
        with house.copy() as other:
            house.run_here(other)  # what the libraries find out once need not be found out in each fork
        assert house.run(before).error == []
        house.keep(before)
        yield house


def incident(number: int, **cells: object) -> dict[str, object]:
    return {"im_id": number, "cabinet": "Азов" if number % 2 else "Ростов", **cells}


@pytest.fixture(scope="module")
def states(house: House) -> list[Facts]:
    """What readers may see: nothing more than before, one whole load more, all. The inbox is filled."""
    late = [
        [
            incident(1, tags="а"),
            incident(2, tags="б"),
            incident(3, tags="б"),
            incident(9),
            incident(10, created_at="-"),
        ],
        [incident(1, tags="в"), incident(2, tags="а"), incident(3, tags="б"), incident(3, tags="г"), incident(9)],
    ]
    with house.copy() as warehouse:
        states = [warehouse.facts()]
        for day, rows in zip((10, 11), late, strict=True):
            write_incidents(house.inbox / f"И_2026-02-{day}_08-00.xlsx", rows, extra=["Новый"])
            assert house.run(warehouse).error == []
            states.append(warehouse.facts())
        check_end(house, warehouse, states, interrupted=0)
    assert len({json.dumps(state) for state in states}) == 3
    return states


def check_after_a_kill(warehouse: Warehouse, states: list[Facts]) -> None:
    """Readers see a state before or after a whole load; at most one load hangs in the air, with at most its table."""
    assert warehouse.facts() in states, "half a load"
    assert warehouse.sums_are_right()
    unpublished = warehouse.unpublished()
    assert [status for _, status, _ in unpublished] in ([], ["running"])
    tables = [name for name in warehouse.leftovers() if name != "a view"]
    assert len(tables) <= len(unpublished)


def check_end(house: House, warehouse: Warehouse, states: list[Facts], interrupted: int = 1) -> None:
    """As if nothing had happened, but that a load may be told of as interrupted."""
    assert warehouse.facts() == states[-1]
    assert warehouse.sums_are_right()
    assert warehouse.leftovers() == [], "leftovers"
    assert {(status, error) for _, status, error in warehouse.unpublished()} <= {("failed", INTERRUPTED)}, "unpublished"
    assert len(warehouse.unpublished()) <= interrupted
    assert all(source == "incident" for *_, source in warehouse.files_seen())
    assert len(warehouse.files_seen()) == len(list(house.inbox.iterdir()))


def position(steps: list[str], step: str, nth: int = 1) -> int:
    """Of the nth step whose name begins like this."""
    return [i for i, name in enumerate(steps) if name.startswith(step)][nth - 1]


def kill_points(steps: list[str]) -> Iterator[int]:
    """Every step of a run over two files until the second load begins, and from when it is published on.

    Of the gate's own questions, which change nothing, the first of each view.
    """
    started = [i for i, step in enumerate(steps) if step.startswith("insert into ops.load (")]
    published = [i for i, step in enumerate(steps) if step.startswith("insert into ops.validation_result")]
    for i, step in enumerate(steps):
        is_first_question = step.startswith("SELECT 1 FROM gate")
        is_like_the_first_load = started[1] < i < published[1]
        if (is_first_question or not step.startswith(GATES_OWN_QUESTIONS)) and not is_like_the_first_load:
            yield i


def test_killed_at_each_step(house: House, states: list[Facts]) -> None:
    with house.copy() as whole:
        undisturbed = house.run(whole)
        check_end(house, whole, states, interrupted=0)
    points = list(kill_points(undisturbed.steps))
    continued: set[str] = set()
    with house.copy() as warehouse:
        for point in points:
            assert house.run(warehouse, at=point).signal == signal.SIGKILL
            warehouse.wait_until_left()
            check_after_a_kill(warehouse, states)
            left = warehouse.everything()
            if left not in continued:  # else the next run would find the very same
                continued.add(left)
                assert house.run(warehouse).error == [], undisturbed.steps[point]
                check_end(house, warehouse, states)
                warehouse.wait_until_left()
            house.reset(warehouse)
    print(f"{len(points)} kills, {len(continued)} different states")
    assert len(points) > 70
    assert len(continued) > 8


@pytest.fixture(scope="module")
def steps(house: House, states: list[Facts]) -> list[str]:
    """Of an undisturbed run."""
    with house.copy() as warehouse:
        return house.run(warehouse).steps


def test_a_commit_in_the_middle_of_publishing_is_found(house: House, states: list[Facts], steps: list[str]) -> None:
    with house.copy() as warehouse:
        point = position(steps, "insert into raw.unchanged_sighting") + 1  # the planted commit is a step, too
        house.run(warehouse, at=point, defect=publish_commits_in_its_middle)
        warehouse.wait_until_left()
        with pytest.raises(AssertionError, match="half a load"):
            check_after_a_kill(warehouse, states)


@pytest.mark.parametrize(
    ("defect", "seen_by"), [(orphans_are_left, "leftovers"), (interrupted_loads_are_not_closed, "unpublished")]
)
def test_a_run_that_does_not_tidy_up_is_found(
    house: House, states: list[Facts], steps: list[str], defect: Callable[[], None], seen_by: str
) -> None:
    with house.copy() as warehouse:
        house.run(warehouse, at=position(steps, "SELECT 1 FROM gate"))
        warehouse.wait_until_left()
        check_after_a_kill(warehouse, states)
        assert house.run(warehouse, defect=defect).error == []
        with pytest.raises(AssertionError, match=seen_by):
            check_end(house, warehouse, states)


# Loaders side by side


def test_a_run_that_waits_takes_over_from_a_killed_one(house: House, states: list[Facts], steps: list[str]) -> None:
    with house.copy() as warehouse:
        first = house.start(warehouse, at=position(steps, "insert into raw.last_seen"), signal=signal.SIGSTOP)
        first.wait()
        second = house.start(warehouse)
        warehouse.wait_until("select count(*) from pg_locks where locktype = 'advisory' and not granted", 1)
        check_after_a_kill(warehouse, states)
        first.kill()
        assert second.wait().error == []
        check_end(house, warehouse, states)


def test_runs_side_by_side_end_as_one_after_the_other(house: House, states: list[Facts]) -> None:
    """Two of each source over one inbox. Each file is loaded once."""
    appeals = [
        write_pos(
            house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", [{"pos_number": str(n), "stage": f"{day}"} for n in keys]
        )
        for day, keys in ((10, range(40)), (11, range(20, 60)))
    ]
    sources = ("pos", "incident", "pos", "incident")
    try:
        with house.copy() as one_by_one, house.copy() as at_once:
            for source in sources:
                assert house.run(one_by_one, source).error == []
            loaders = [house.start(at_once, source) for source in sources]
            assert [loader.wait().error for loader in loaders] == [[]] * 4
            assert at_once.facts() == one_by_one.facts()
            assert at_once.files_seen() == one_by_one.files_seen()
            assert len(at_once.files_seen()) == 5
            assert (at_once.unpublished(), at_once.leftovers(), at_once.sums_are_right()) == ([], [], True)
    finally:
        for path in appeals:
            path.unlink()


# The connection or the server goes


def test_a_run_that_lost_its_lock_can_publish_nothing(house: House, states: list[Facts], steps: list[str]) -> None:
    """Its connection breaks while the gate asks on another one; the next run does all; then the first goes on."""
    with house.copy() as warehouse:
        first = house.start(warehouse, at=position(steps, "SELECT 1 FROM gate"), signal=signal.SIGSTOP)
        assert first.wait().signal == signal.SIGSTOP
        warehouse.ask(
            "select pg_terminate_backend(pid, 5000) from pg_locks join pg_database on database = pg_database.oid "
            "where locktype = 'advisory' and datname = current_database()"
        )
        assert house.run(warehouse).error == []
        check_end(house, warehouse, states)
        ended = first.go_on()
        assert "OperationalError" in ended.error, ended.text
        check_end(house, warehouse, states)


def kill_server(server: Cluster) -> None:
    """The whole family at once, as when the machine loses its power."""
    pid = server.pid()
    assert pid
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children()]  # it must not see its children die
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=60)


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server to be killed: one that loses nothing by it."""
    folder = tmp_path_factory.mktemp("server")
    cluster = Cluster(folder / "postgres", folder / "secrets")
    cluster.start(free_port())
    yield cluster
    if cluster.pid():
        kill_server(cluster)


@pytest.fixture(scope="module")
def own_house(own_server: Cluster, suites_folder: None, tmp_path_factory: pytest.TempPathFactory) -> House:
    """One export is to come, of more rows than COPY sends at once."""
    own_server.ensure_database("template")
    with closing(psycopg2.connect(own_server.dsn("template"))) as connection:
        schema.apply(connection)
    house = House(own_server, "template", tmp_path_factory.mktemp("own"))
    write_incidents(house.inbox / "И_2026-02-10_08-00.xlsx", [incident(n) for n in range(1, 1300)])
    return house


@pytest.fixture(scope="module")
def own_run(own_house: House) -> tuple[list[str], list[Facts]]:
    """Steps of an undisturbed run, what readers see before and after it."""
    with own_house.copy() as warehouse:
        before = warehouse.facts()
        ended = own_house.run(warehouse)
        check_end(own_house, warehouse, [before, warehouse.facts()], interrupted=0)
        return ended.steps, [before, warehouse.facts()]


def kill_one_backend(server: Cluster) -> None:
    """The server ends all sessions, and recovers by itself."""
    with server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute("select distinct pid from pg_locks where locktype = 'advisory'")
        ((pid,),) = cursor.fetchall()
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("step", "nth", "kill", "is_up_before_the_loader_goes_on"),
    [
        ("a chunk of copy", 2, kill_server, False),
        ("SELECT 1 FROM gate", 1, kill_server, True),  # the gate would find the unlogged table, empty
        ("insert into raw.last_seen", 1, kill_server, True),
        ("insert into raw.last_seen", 1, kill_one_backend, False),
    ],
)
def test_postgresql_is_killed(
    own_house: House,
    own_server: Cluster,
    own_run: tuple[list[str], list[Facts]],
    step: str,
    nth: int,
    kill: Callable[[Cluster], None],
    is_up_before_the_loader_goes_on: bool,
) -> None:
    port, (own_steps, own_states) = own_server.port(), own_run
    point = position(own_steps, step, nth)
    with own_house.copy() as warehouse:
        loader = own_house.start(warehouse, at=point, signal=signal.SIGSTOP)
        assert loader.wait().signal == signal.SIGSTOP
        kill(own_server)
        if is_up_before_the_loader_goes_on:
            own_server.start(port)
        ended = loader.go_on()
        assert "OperationalError" in ended.error, ended.text
        if own_server.pid() is None:
            own_server.start(port)
        warehouse.reconnect()
        check_after_a_kill(warehouse, own_states)
        assert own_house.run(warehouse).error == []
        check_end(own_house, warehouse, own_states)
