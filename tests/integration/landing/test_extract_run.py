"""Whole runs of an extract DAG, in a process and with a metadata database of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from stack.paths import REPOSITORY
from tests.workbooks import write_pos

pytestmark = pytest.mark.postgres

RUN_TWICE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

dag = DagBag(dag_folder=sys.argv[1], safe_mode=False).dags["extract_appeals"]
for task in dag.tasks:
    task.retries = 0
for run in (dag.test(), dag.test()):
    print("STATES", json.dumps({"run": run.state} | {ti.task_id: ti.state for ti in run.get_task_instances()}))
"""
RED = {"run": "failed", "load_exports": "failed", "announce": "skipped", "check_refusals": "failed"}


@pytest.fixture
def environment(tmp_path: Path, warehouse_dsn: str) -> dict[str, str]:
    (tmp_path / "inbox").mkdir()
    return os.environ | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_WAREHOUSE": warehouse_dsn,
        "MCU_INBOX": str(tmp_path / "inbox"),
        "MCU_STATE": str(tmp_path / "state"),
        "PYTHONPATH": str(REPOSITORY / "plugins"),
    }


def test_a_load_that_breaks_makes_each_run_red_and_hides_no_refusal(
    environment: dict[str, str], warehouse: Connection
) -> None:
    inbox = Path(environment["MCU_INBOX"])
    (inbox / "плохая.xlsx").write_text("не книга")
    write_pos(inbox / "ПОС_2026-02-10_08-00.xlsx", [{}])
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("drop table ops.quarantine cascade")  # breaks every load

    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    command = [sys.executable, "-c", RUN_TWICE, str(REPOSITORY / "dags" / "extract_appeals.py")]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert done.returncode == 0, done.stdout
    states = [
        json.loads(line.removeprefix("STATES ")) for line in done.stdout.splitlines() if line.startswith("STATES")
    ]
    assert states == [RED, RED], done.stdout
    assert done.stdout.count("AirflowFailException: Refused until") == 1
    assert done.stdout.count("AirflowFailException: Nothing was refused, but load_exports failed") == 1
