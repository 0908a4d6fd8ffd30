"""The deadline of a run, as Airflow watches it: a run that goes on after it becomes a cause of `alert_engineers`."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from mcu.alerts import missed
from mcu.operators import warehouse
from mcu.operators.run_queued import RunQueued
from mcu.settings import Settings


def note_missed(context: dict[str, Any]) -> None:
    """Called by Airflow, on the executor, once a run that goes on after its deadline. Only notes it: telling is not
    its business. It is not tried again if it fails."""
    run, deadline_at = context["dag_run"], context["deadline"]["deadline_time"]
    if isinstance(deadline_at, str):
        deadline_at = datetime.fromisoformat(deadline_at)
    with closing(warehouse.connect()) as connection:
        missed.note(connection, run["dag_id"], run["dag_run_id"], deadline_at)


def of_run() -> DeadlineAlert:
    """MCU_RUN_MINUTES after the run was queued."""
    # Not on the triggerer, which the local stack lacks: the executor has to work for alert_engineers anyway.
    return DeadlineAlert(
        reference=RunQueued(),
        interval=Settings.from_env().run_takes_at_most,
        callback=SyncCallback(note_missed),
    )
