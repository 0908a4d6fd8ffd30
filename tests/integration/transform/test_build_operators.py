"""The first task of `build_marts` over a real warehouse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from psycopg2.extensions import connection as Connection

from mcu.operators.marts import BEGIN_TASK, BeginBuildOperator
from mcu.transform import marts

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _airflow_connection(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)


def begin(run_type: str) -> int:
    context: Any = {"run_id": "run", "dag_run": SimpleNamespace(run_type=run_type), "params": {}}
    return BeginBuildOperator(task_id=BEGIN_TASK).execute(context)


def publish_load(warehouse: Connection) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "insert into ops.load (source, uri, sha256, status, finished_at)"
            " values ('pos', 'a.xlsx', md5(random()::text), 'published', clock_timestamp())"
        )


def test_the_second_of_two_sources_starts_no_second_build(warehouse: Connection) -> None:
    publish_load(warehouse)
    build_id = begin("asset_triggered")
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("create schema marts_build create table marts_build.dim_source (source text)")
    marts.publish(warehouse, build_id)
    with pytest.raises(AirflowSkipException):
        begin("asset_triggered")
    assert begin("manual") > build_id  # a seed or a model may have changed


def test_what_a_failed_build_did_not_publish_is_built_again(warehouse: Connection) -> None:
    publish_load(warehouse)
    build_id = begin("asset_triggered")
    marts.fail(warehouse, build_id)
    assert begin("asset_triggered") > build_id
