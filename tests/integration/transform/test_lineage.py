"""One export on its way through the operators to a report; the events of it join, from the file to the page."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.openlineage.extractors.base import DefaultExtractor
from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter
from airflow.sdk import BaseOperator

from mcu.lineage.names import FILES, Warehouse
from mcu.operators.deliver_report import DeliverReportOperator
from mcu.operators.load_exports import LoadExportsOperator
from mcu.operators.marts import BEGIN_TASK, BeginBuildOperator, DbtLayerOperator, PublishMartsOperator
from mcu.settings import Settings
from mcu.transform.dbt import LAYERS
from stack.environment import LINEAGE
from tests.integration.transform.conftest import write_exports
from tests.lineage_events import Events

pytestmark = pytest.mark.postgres

RUN_AFTER = datetime(2026, 2, 23, 5, tzinfo=UTC)
PERIOD = "2026-02-09"


class TaskInstance(SimpleNamespace):
    """As much of a task instance as operators and the provider's macros ask for."""

    def get_template_context(self) -> dict[str, Any]:
        return dict(self.context)

    def xcom_pull(self, task_ids: str) -> int:
        return int(self.build_id)


def context(dag_id: str, task_id: str, **params: Any) -> Any:
    run = SimpleNamespace(
        dag_id=dag_id, run_id="manual__1", run_type="manual", conf={}, logical_date=RUN_AFTER, run_after=RUN_AFTER,
        data_interval_end=RUN_AFTER, start_date=RUN_AFTER, clear_number=0,
    )  # fmt: skip
    ti = TaskInstance(
        dag_id=dag_id, task_id=task_id, run_id=run.run_id, try_number=1, map_index=-1, dag_run=run, build_id=1,
        task=SimpleNamespace(task_id=task_id, dag_id=dag_id),
    )  # fmt: skip
    ti.context = {"run_id": run.run_id, "dag_run": run, "params": params, "ti": ti}
    return ti.context


def work(operator: BaseOperator, dag_id: str, **params: Any) -> None:
    """Do the task, then tell of it as the provider's listener does."""
    of_task = context(dag_id, operator.task_id, **params)
    operator.execute(of_task)
    told = DefaultExtractor(operator).extract_on_complete(of_task["ti"]) or OperatorLineage()
    name = f"{dag_id}.{operator.task_id}"
    nothing: dict[str, Any] = dict.fromkeys(("nominal_start_time", "nominal_end_time", "owners", "tags"))
    end = datetime.now(UTC).isoformat()
    OpenLineageAdapter().complete_task(
        run_id=str(uuid.uuid4()), job_name=name, end_time=end, task=told, job_description=None, **nothing
    )


def go_the_whole_way() -> None:
    for source, dag_id in (("pos", "extract_appeals"), ("incident", "extract_incidents")):
        work(LoadExportsOperator(task_id="load_exports", source=source), dag_id)
    BeginBuildOperator(task_id=BEGIN_TASK).execute(context("build_marts", BEGIN_TASK))
    for layer in LAYERS:
        work(DbtLayerOperator(task_id=layer, layer=layer), "build_marts")
    work(PublishMartsOperator(task_id="publish"), "build_marts")
    report = DeliverReportOperator(task_id="deliver", report="weekly")
    work(report, "report_weekly", period_start=PERIOD, scope="oblast", dry_run=True)


@pytest.fixture
def lineage(tmp_path: Path, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the events go to."""
    folder = tmp_path / "lineage"
    ours = {
        **LINEAGE,
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW_CONN_WAREHOUSE": warehouse_dsn,
        "MCU_LINEAGE": str(folder),
        "MCU_INBOX": str(tmp_path / "inbox"),
        "MCU_STATE": str(tmp_path / "state"),
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    return folder


def test_the_way_from_a_file_to_a_page_is_told(lineage: Path, warehouse_dsn: str) -> None:
    settings, warehouse = Settings.from_env(), Warehouse.of(warehouse_dsn)
    inbox = Path(settings.inbox)
    write_exports(inbox)
    go_the_whole_way()
    events = Events.of(lineage)

    export = str(inbox / "incidents_2026-02-23_01-00.xlsx")
    reached = events.reached((FILES, export))
    page = settings.archive / "dry_run" / "weekly" / PERIOD / "oblast" / "r1" / "report.html"
    assert page.exists()
    assert (FILES, str(page.resolve())) in reached
    on_the_way = ("raw.incident", "staging.stg_incident__incident_version", "intermediate.int_message",
                  "marts_build.rpt_weekly_region", "marts.rpt_weekly_region", "bi.rpt_weekly_region")  # fmt: skip
    for table in on_the_way:
        assert (warehouse.namespace, f"{warehouse.database}.{table}") in reached, table

    (raw,) = events.outputs(warehouse.table("raw", "incident"))
    assert raw["outputFacets"]["outputStatistics"]["rowCount"] >= 72
    (read,) = events.inputs(export)
    assert all(check["success"] for check in read["inputFacets"]["dataQualityAssertions"]["assertions"])

    built, shown = (warehouse.table(schema, "rpt_weekly_region") for schema in ("marts_build", "bi"))
    assert events.origins(shown, "received") == {(built, "received")}
    assert events.origins(built, "received") == {(warehouse.table("intermediate", "int_weekly"), "received")}
    children = [event for event in events.events if event["job"]["name"].endswith(".build.run")]
    assert {event["run"]["facets"]["parent"]["job"]["name"] for event in children} == {
        f"build_marts.{layer}" for layer in LAYERS
    }
    password = warehouse_dsn.split("@")[0].rpartition(":")[2]
    assert password not in events.text
    for person in ("Иванова  Анна", "Петров Иван", "Передали коммунальщикам", "когда дадут воду", "vk.com/id123"):
        assert person not in events.text
        assert json.dumps(person)[1:-1] not in events.text


def test_a_lineage_server_that_is_down_fails_no_task(lineage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_LINEAGE", "http://127.0.0.1:1")
    Path(Settings.from_env().inbox).mkdir()
    work(LoadExportsOperator(task_id="load_exports", source="pos"), "extract_appeals")
    assert not lineage.exists()
