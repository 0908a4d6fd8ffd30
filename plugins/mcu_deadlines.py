"""Airflow's plugin: what deadlines of runs are counted from."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from mcu.operators.run_queued import RunQueued


class McuDeadlines(AirflowPlugin):
    """Lets Airflow evaluate the reference; a DAG file alone cannot."""

    name = "mcu_deadlines"
    deadline_references: list[Any] = [RunQueued]  # noqa: RUF012 (Airflow's way)
