"""
### Purpose
Puts exports that the systems send by mail into the inbox, where `extract_appeals` and `extract_incidents` find them.

### Inputs
Unread mails of known senders in the mailbox of the Airflow connection that `MCU_MAILBOX` names (docs/inbox.md). Without
that setting the DAG has no schedule and does nothing.

### Outputs
Each attached workbook, also from within an attached zip, in the inbox as `mail/<start of its hash>/<its name>`. The
mail is marked as read then, one that cannot be taken is starred.

### Triage notes
A mail is marked after its files lie whole in the inbox: clearing the task or starting a run loses and doubles nothing.

- *collect_mail is red, «refuses …»*: name or password of the connection is wrong, or the mailbox wants a password made
  for applications.
- *collect_mail is red, «starred in the mailbox»*: the log names sender, subject and reason. Put the file into the inbox
  by hand, or have it sent again; to have the mail tried again take away its star.
- *collect_mail is red otherwise*: the mail server or the inbox could not be reached; the next run tries again.
- *no file comes*: the log counts unread mails of others than the connection's `senders`. Is a system among them?
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable

from mcu.operators.collect_mail import CollectMailOperator
from mcu.settings import Settings

EVERY_QUARTER = CronDataIntervalTimetable("*/15 * * * *", timezone="Europe/Moscow")

with DAG(
    dag_id="collect_mail",
    description="Mailed exports → inbox",
    doc_md=__doc__,
    schedule=EVERY_QUARTER if Settings.from_env().mailbox else None,
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    default_args={"queue": "extract", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["extract"],
):
    CollectMailOperator(task_id="collect_mail")
