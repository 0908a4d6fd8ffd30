"""The table of all DAGs in docs/architecture.md says what the DAG files say."""

from __future__ import annotations

import re

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronDataIntervalTimetable

from stack.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
Told = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    return DagBag(dag_folder=REPOSITORY / "dags", safe_mode=False).dags


def table(page: str) -> Told:
    """(schedule, retries) by DAG."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    return {row[0].strip("`"): (row[1], row[-1]) for row in rows if len(row) == 5 and re.fullmatch(r"`\w+`", row[0])}


def declared(dags: dict[str, DAG]) -> Told:
    return {dag_id: (_schedule(dag), _retries(dag)) for dag_id, dag in dags.items()}


def _schedule(dag: DAG) -> str:
    if dag.schedule is None:
        return "none"
    if isinstance(dag.schedule, CronDataIntervalTimetable):
        assert str(dag.schedule.timezone) == "Europe/Moscow"
        return f"`{dag.schedule.expression}`"
    return "assets " + ", ".join(
        sorted(f"`{uri}`" for uri in set(re.findall(r"warehouse://[\w/]+", repr(dag.schedule))))
    )


def _retries(dag: DAG) -> str:
    found = {
        f"{task.retries} × {int(task.retry_delay.total_seconds() // 60)} min": task.task_id
        for task in dag.tasks
        if task.retries
    }
    (told,) = found
    return told if dag.default_args.get("retries") else f"`{found[told]}`: {told}"


def test_the_table_is_what_the_dag_files_declare(dags: dict[str, DAG]) -> None:
    assert table(PAGE) == declared(dags)


@pytest.mark.parametrize(
    ("now", "planted"),
    [
        ("| `report_daily` | `0 8 * * *` |", "| `report_daily` | `0 9 * * *` |"),
        ("| 12 × 5 min |", "| 2 × 1 min |"),
        ("| `check_editions` |", "| `check_edition` |"),
    ],
)
def test_a_stale_table_is_seen(dags: dict[str, DAG], now: str, planted: str) -> None:
    stale = PAGE.replace(now, planted)
    assert stale != PAGE
    assert table(stale) != declared(dags)
