"""ops.health: well when all is well, each fault shows in its row, and its reader sees nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import connection as Connection

from stack.postgres import Cluster
from tests.integration.alerts.world import HOUR, World

pytestmark = pytest.mark.postgres

DAY = "2026-11-22"


@pytest.fixture
def world(warehouse: Connection) -> World:
    """Both sources loaded an hour ago, built, the report sent."""
    world = World(warehouse)
    world.fresh(now() - HOUR)
    world.do("update ops.mart_build set published_at = started_at + interval '90 seconds'")
    world.delivery("a@mcu.example", "sent", now() - HOUR, day=DAY)
    return world


def now() -> datetime:
    return datetime.now(UTC)


def health(world: World) -> dict[tuple[str, str], tuple[str, float | None, str]]:
    rows = world.do("select area, name, state, value, detail from ops.health")
    found = {(area, name): (state, value, detail) for area, name, state, value, detail in rows}
    assert len(found) == len(rows)
    return found


def test_an_empty_warehouse_has_nothing_that_is_wrong(warehouse: Connection) -> None:
    assert set(health(World(warehouse))) == {("alert", "all")}


def test_what_never_came_about_is_not_well(warehouse: Connection) -> None:
    """A source of which every file was refused; loads that no build has ever taken in."""
    world = World(warehouse)
    world.load("first.xlsx", "refused", now())
    found = health(world)
    assert found["source", "pos"][:2] == ("bad", None)
    assert ("build", "marts") not in found
    world.load("next.xlsx", "published", now() - 3 * HOUR)
    world.do("update ops.load set finished_at = %s where uri = 'next.xlsx'", now() - 3 * HOUR)
    state, value, detail = health(world)["build", "marts"]
    assert (state, value) == ("late", None)
    assert detail.startswith("ни одна сборка не опубликована")


def test_a_build_that_was_cut_off_has_passed_no_gate(world: World) -> None:
    world.build("failed", now())
    found = health(world)
    assert found["build", "marts"][0] == "bad"
    assert {name for area, name in found if area == "gate"} == set()


def test_all_is_well(world: World) -> None:
    found = health(world)
    assert {state for state, _, _ in found.values()} == {"ok"}
    assert set(found) == {
        *((area, source) for area in ("source", "load", "quarantine", "duration") for source in ("pos", "incident")),
        *(
            ("build", "marts"),
            ("duration", "build_marts"),
            ("gate", "all"),
            ("alert", "all"),
            ("delivery", "daily sent"),
        ),
    }
    assert found["source", "pos"][1] == pytest.approx(1, abs=0.1)
    assert found["build", "marts"][1:] == (90, "секунд заняла последняя сборка, приращение")


@pytest.mark.parametrize(("hours", "state"), [(35, "ok"), (37, "late"), (85, "bad")])
def test_a_source_that_falls_silent(world: World, hours: int, state: str) -> None:
    world.do("update ops.load set exported_at = %s where source = 'pos'", now() - timedelta(hours=hours))
    assert health(world)["source", "pos"][0] == state
    assert health(world)["source", "incident"][0] == "ok"


@pytest.mark.parametrize(("status", "state"), [("failed", "bad"), ("refused", "late"), ("running", "ok")])
def test_a_load_that_comes_to_nothing(world: World, status: str, state: str) -> None:
    world.load("next.xlsx", status, now(), "Иванов, улица Садовая")
    found = health(world)["load", "pos"]
    assert found[0] == state
    assert "Иванов" not in found[2]


@pytest.mark.parametrize(("quarantined", "state"), [(4, "ok"), (6, "late"), (21, "bad")])
def test_rows_in_quarantine(world: World, quarantined: int, state: str) -> None:
    world.load("next.xlsx", "published", now() - HOUR, rows=100, quarantined=quarantined)
    assert health(world)["quarantine", "pos"][:2] == (state, quarantined / 100)
    world.do("update ops.quarantine set replayed_by_load_id = load_id")
    assert health(world)["quarantine", "pos"][:2] == ("ok", 0)


def test_a_build_that_fails_with_its_gates(world: World) -> None:
    build = world.build("failed", now())
    world.dbt_result(build, "test.unique", "fail", now(), failures=3)
    world.dbt_result(build, "model.fine", "success", now())
    found = health(world)
    assert found["build", "marts"][0] == "bad"
    assert found["build", "marts"][1] == 90
    assert found["gate", "test.unique"][:2] == ("bad", 3)
    assert ("gate", "model.fine") not in found
    assert ("gate", "all") not in found
    world.build("published", now())
    assert health(world)["gate", "all"][0] == "ok"


def test_marts_that_fall_behind(world: World) -> None:
    world.load("next.xlsx", "published", now() - timedelta(minutes=30))
    assert health(world)["build", "marts"][0] == "ok"
    world.do("update ops.load set finished_at = %s where uri = 'next.xlsx'", now() - 3 * HOUR)
    world.do("update ops.mart_build set started_at = %s", now() - 4 * HOUR)
    assert health(world)["build", "marts"][0] == "late"


def test_deliveries_of_the_last_period_by_state(world: World) -> None:
    world.delivery("b@mcu.example", "refused", now() - 40 * HOUR, day="2026-11-21")
    assert ("delivery", "daily refused") not in health(world)
    world.delivery("b@mcu.example", "refused", now(), day=DAY)
    world.delivery("c@mcu.example", "planned", now(), day=DAY)
    found = health(world)
    assert found["delivery", "daily sent"][:2] == ("ok", 1)
    assert found["delivery", "daily refused"][0] == "bad"
    assert found["delivery", "daily planned"][0] == "late"
    world.do("update ops.delivery set planned_at = %s", now() - 3 * HOUR)
    assert health(world)["delivery", "daily planned"][0] == "bad"


def test_alerts_that_stand(world: World) -> None:
    world.do(
        "insert into ops.alert (cause, kind, subject, what, triage, since, first_seen_at, last_seen_at, gone_at)"
        " select n, 'load_refused', 'a@mcu.example', '', '', now(), now(), now(), gone"
        " from (values ('a', null), ('b', null), ('c', now())) as alert (n, gone)"
    )
    found = health(world)
    assert found["alert", "load_refused"][:2] == ("bad", 2)
    assert ("alert", "all") not in found


def test_what_takes_long(world: World) -> None:
    for number in range(5):
        world.load(f"{number}.xlsx", "published", now() - HOUR)
    world.do("update ops.load set started_at = finished_at - interval '30 seconds' where source = 'pos'")
    world.do("update ops.load set started_at = finished_at - interval '80 seconds' where uri = '4.xlsx'")
    assert health(world)["duration", "pos"][:2] == ("ok", 80)
    world.do("update ops.load set started_at = finished_at - interval '100 seconds' where uri = '4.xlsx'")
    assert health(world)["duration", "pos"][:2] == ("late", 100)


@pytest.fixture
def as_reader(postgres_server: Cluster, warehouse_dsn: str) -> Iterator[Any]:
    """A cursor of `ops_reader`, who cannot log in by itself."""
    with postgres_server.superuser(warehouse_dsn.rsplit("/", 1)[1]) as connection, connection.cursor() as cursor:
        cursor.execute("set role ops_reader")
        yield cursor


def test_its_reader_sees_it_and_nothing_else(world: World, as_reader: Any) -> None:
    as_reader.execute("select count(*) from ops.health")
    assert as_reader.fetchall()[0][0] > 5
    relations = world.do(
        "select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind in ('r', 'v', 'p') and nspname in ('raw', 'ops', 'pii', 'stage', 'bi') and relname <> 'health'"
    )
    assert {("ops", "delivery"), ("ops", "report_subscription"), ("raw", "incident")} <= {*relations}
    for schema, relation in relations:
        with pytest.raises(InsufficientPrivilege):
            as_reader.execute(sql.SQL("select from {}").format(sql.Identifier(schema, relation)))


def test_no_address_is_in_it(world: World) -> None:
    world.delivery("b@mcu.example", "refused", now(), day=DAY)
    assert not [row for row in world.do("select row(h.*)::text from ops.health as h") if "@" in row[0]]
