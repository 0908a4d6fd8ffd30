"""The period that a run of a report DAG is of."""

from __future__ import annotations

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from mcu.reports.period import Period, Report, due_period
from mcu.settings import Settings


def period_of_run(report: Report, context: Context) -> Period:
    """From the parameter `period_start`, else the last whole period before the end of the run's data interval.

    A run started by hand may have no data interval: then before the moment it was started for.
    """
    run = context["dag_run"]
    moment = run.data_interval_end or run.run_after
    requested = context["params"]["period_start"]
    try:
        return due_period(report, moment, Settings.from_env().timezone, requested)
    except ValueError as error:
        raise AirflowFailException(f"period_start {requested!r}: {error}") from error
