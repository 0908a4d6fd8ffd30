"""The daily report, every morning at eight."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from mcu.operators import deadlines
from mcu.operators.deliver_report import DeliverReportOperator
from mcu.operators.marts_hold import MartsHoldSensor

DOC = """
**Purpose**: yesterday in numbers and what is overdue, in Russian, by mail to everyone in
`ops.report_subscription`: the oblast or one municipality.

**Inputs**: `bi.rpt_daily_summary`, `bi.rpt_daily_overdue`, `bi.rpt_hotspot`,
`bi.fct_municipality_daily`, `bi.fct_message`, `bi.rpt_data_quality`, `bi.dim_source`, `bi.dim_municipality`,
`bi.dim_channel`; connections `warehouse` and `smtp_default`.
Parameter `period_start`: any past day; empty: the last whole day before the run.
Parameter `dry_run`: make the editions in the folder `dry_run` of the archive and send nothing.
Parameters `scope`, `recipient`: send to these subscribers alone, e.g. one who is new; empty: to all.

**Outputs**: one mail a subscription, one row a mail in `ops.delivery`. A mail that went never goes again. Every
edition, its PDF and workbook lie in the archive of reports, from which all its mails are made.

**Triage**
- `wait_for_marts` waits: an enabled source has no export that reaches the end of the day. See
  `select source, newest_exported_at from bi.dim_source`; bring the export, it goes on by itself. It gives up after
  ten hours: clear it once the export is there. With `MCU_REPORT_INCOMPLETE=send` the report goes out at
  `MCU_REPORT_DEADLINE` all the same, with «данные неполные» on top, if one source has the period.
- `deliver` up for retry: the mail server could not be reached, asked to try later, or does not take our sender or
  login: its words are in the log. Only what has not gone is tried again.
- `deliver` failed, «may have gone or not»: the connection was lost after the text of the mail had begun. Look into
  the mail server's log for the row's `message_id`, then set the row's `state` in `ops.delivery` to `sent` or to
  `planned`, and clear the task.
- `deliver` failed, «refuses for good»: the others have their mail; the message and the row's `server_response` hold
  the server's words. Correct the subscription.
- `deliver` failed, «extra of connection smtp_default»: set there what it names (`docs/reports.md`).
- `deliver` failed, «nobody to send to»: the run's `scope` or `recipient` is not subscribed to this report.
- the run goes on for hours (alert «Запуск не кончился к сроку»): `wait_for_marts` is the first case above; if `deliver`
  hangs, fail it and clear it: a mail that went never goes again.
- «subscriptions to no municipality»: correct `scope` in `ops.report_subscription`.
"""

with DAG(
    dag_id="report_daily",
    description="Отчёт за день по почте",
    schedule=CronDataIntervalTimetable("0 8 * * *", timezone="Europe/Moscow"),
    start_date=datetime(2022, 1, 3),
    catchup=False,
    max_active_runs=8,
    deadline=deadlines.of_run(),
    default_args={"queue": "report", "owner": "reports", "retries": 5, "retry_delay": timedelta(minutes=5)},
    params={
        "period_start": Param(None, type=["null", "string"], format="date", description="The day"),
        "scope": Param(None, type=["null", "string"], description="Only this: oblast or an ОКТМО; empty: all"),
        "recipient": Param(None, type=["null", "string"], description="Only this address; empty: all"),
        "dry_run": Param(False, type="boolean", description="Make the editions in the archive, send nothing"),
    },
    doc_md=DOC,
    tags=["report"],
):
    wait_for_marts = MartsHoldSensor(task_id="wait_for_marts", report="daily")
    deliver = DeliverReportOperator(task_id="deliver", report="daily")
    wait_for_marts >> deliver
