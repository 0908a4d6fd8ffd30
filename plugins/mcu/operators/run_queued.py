"""What a run's deadline is counted from. A module of its own: every process of Airflow reads it with the plugin."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk.definitions.deadline import BaseDeadlineReference

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class RunQueued(BaseDeadlineReference):
    """The moment that a run was first queued; a cleared run keeps it.

    Instead of DeadlineReference.DAGRUN_QUEUED_AT, with which a run cannot be cleared: Airflow 3.3 answers 500
    (apache/airflow#70368).
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        from airflow.models import DagRun
        from sqlalchemy import select

        of_run = select(DagRun.queued_at).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        queued_at: datetime | None = session.scalar(of_run)
        return queued_at
