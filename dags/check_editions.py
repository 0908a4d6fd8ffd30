"""
### Purpose
Finds reports that went out and read otherwise now, because data came late (docs/reports.md).

### Inputs
The archive of reports, `ops.delivery`, and the marts that the reports are made of: the periods of the last 35 days.

### Outputs
`changes.html` beside each edition that differs, `ops.report_change` for those whose numbers were corrected, an alert to
the engineers. Nothing is sent to readers: that is `revise_report`. What is older than `MCU_ARCHIVE_DAYS` is removed.

### Triage notes
- *check_editions is red, LockNotAvailable*: the marts were being published for half a minute; clear the task.
- *check_editions is red, FileNotFoundError*: a file of the archive was taken away. Restore the folder that the message
  names, or remove the rest of it.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable

from mcu.operators.editions import CheckEditionsOperator

with DAG(
    dag_id="check_editions",
    description="Sent reports against the marts of today",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("30 7 * * *", timezone="Europe/Moscow"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    default_args={"queue": "report", "owner": "reports", "retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["report"],
):
    CheckEditionsOperator(task_id="check_editions")
