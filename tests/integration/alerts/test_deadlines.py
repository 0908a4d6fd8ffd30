"""A run that goes on after its deadline: Airflow calls, `ops` keeps it, the engineers are told until it has ended."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import structlog
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.execution_time.callback_supervisor import execute_callback

from mcu.alerts import causes
from mcu.operators import deadlines
from mcu.operators.alert_engineers import AlertEngineersOperator
from mcu.operators.run_queued import RunQueued
from tests.integration.alerts.world import HOUR, MONDAY_9, SETTINGS, World

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _airflow_connection(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)


def miss(dag_id: str, run_id: str = "scheduled__1", at: datetime = MONDAY_9) -> bool:
    """Call back as Airflow's executor does, by import path and with no more than it hands over."""
    alert = deadlines.of_run()
    context = {"dag_run": {"dag_id": dag_id, "dag_run_id": run_id}, "deadline": {"id": f"{uuid4()}"}}
    context["deadline"]["deadline_time"] = at  # type: ignore[assignment]
    kwargs = alert.callback.kwargs | {"context": context}
    done, _ = execute_callback(alert.callback.path, kwargs, Path(), None, structlog.get_logger())
    return done


def found(world: World, at: datetime = MONDAY_9) -> list[causes.Cause]:
    return causes.find(world.connection, SETTINGS, at)


def test_the_deadline_is_counted_from_the_queue_and_noted_by_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_RUN_MINUTES", "1")
    alert = deadlines.of_run()
    assert alert.reference == RunQueued()
    assert alert.interval == timedelta(minutes=1)
    assert isinstance(alert.callback, SyncCallback), "the local stack has no triggerer"


def test_a_build_that_goes_on_is_one_cause_however_many_runs_wait_behind_it(world: World) -> None:
    assert miss("build_marts", "manual__1", MONDAY_9 - HOUR)
    assert miss("build_marts", "asset__2", MONDAY_9)
    assert miss("build_marts", "asset__2", MONDAY_9), "cleared, and late again"
    (cause,) = found(world)
    assert (cause.cause, cause.kind) == ("deadline_missed:build_marts", "deadline_missed")
    assert cause.subject == "build_marts, запусков 2, первый manual__1"
    assert cause.since == MONDAY_9 - HOUR


def test_a_report_is_late_or_its_run_is_but_never_both(world: World) -> None:
    world.subscribe("a@mcu.example")
    at_ten = MONDAY_9 + HOUR
    assert miss("report_daily", at=MONDAY_9)
    assert found(world, MONDAY_9 + HOUR / 2) == [], "it may wait for exports until MCU_REPORT_DEADLINE"
    assert [cause.kind for cause in found(world, at_ten)] == ["report_late"]
    world.delivery("a@mcu.example", "sent", at_ten)
    assert [cause.kind for cause in found(world, at_ten)] == ["deadline_missed"]


def test_a_miss_that_cannot_be_noted_is_a_callback_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgresql://mcu@127.0.0.1:1/nothing")
    assert not miss("build_marts")


def test_the_engineers_hear_of_it_until_the_run_has_ended(world: World, warehouse_dsn: str) -> None:
    world.do("truncate ops.load cascade")
    world.fresh(NOW)
    assert miss("build_marts", "manual__1", NOW)
    active = {"manual__1"}

    def count(dag_id: str, run_ids: list[str], states: list[str]) -> int:
        assert (dag_id, states) == ("build_marts", ["queued", "running"])
        return len(active & set(run_ids))

    context: Any = {"ti": SimpleNamespace(get_dr_count=count)}
    looks = [AlertEngineersOperator(task_id="alert_engineers").execute(context) for _ in range(2)]
    assert [look["new"] for look in looks] == [1, 0]
    active.clear()
    assert AlertEngineersOperator(task_id="alert_engineers").execute(context)["standing"] == 0
    with closing(psycopg2.connect(warehouse_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select gone_at is not null, (select count(*) from ops.missed_deadline) from ops.alert")
        assert cursor.fetchall() == [(True, 0)]
