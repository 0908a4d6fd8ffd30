"""Events are of the DAGs that carry data, and of no other."""

from __future__ import annotations

import pytest
from airflow.providers.openlineage.utils.emission_policy import resolve_task_emission_policy
from airflow.sdk import BaseOperator

from stack.environment import LINEAGE


@pytest.mark.parametrize(
    ("dag_id", "task_id", "is_told"),
    [
        ("extract_appeals", "load_exports", True),
        ("build_marts", "staging", True),
        ("report_weekly", "deliver", True),
        ("report_weekly", "wait_for_marts", False),
        ("forget_author", "forget", False),
        ("alert_engineers", "alert_engineers", False),
        ("revise_report", "approve", False),
    ],
)
def test_which_tasks_tell(monkeypatch: pytest.MonkeyPatch, dag_id: str, task_id: str, is_told: bool) -> None:
    for name, value in LINEAGE.items():
        monkeypatch.setenv(name, value)
    policy = resolve_task_emission_policy(operator=BaseOperator(task_id=task_id), dag_id=dag_id, task_id=task_id)
    assert policy.emit is is_told
