"""
### Purpose
Tells the engineers what is wrong, once a cause: a report that is late, a build that did not pass its checks, a source
that fell silent, a mail that may not have gone, a file that was refused (docs/alerts.md).

### Inputs
The tables of `ops`; `MCU_ALERT_RECIPIENTS`, `MCU_STALE_HOURS`, `MCU_REPORT_DEADLINE`; the connections `warehouse` and
`smtp_default`, and `alert_webhook` if there is one. Of Airflow, whether a run that missed its deadline goes on.
Without recipients and webhook the log alone tells.

### Outputs
At most one mail and one POST a run, and none if nothing is new; a row a cause in `ops.alert`.

### Triage notes
Runs can be cleared and started at will: what was told is not told again. A run that was killed between sending and
noting it tells the same once more.

- *alert_engineers is red, «mail: …» or «webhook: …»*: this way could not tell and tries again with the next run; the
  other one has told. The words of the server follow; the address of a webhook is shown in its connection alone.
- *alert_engineers is red, «does not take»*: an address in `MCU_ALERT_RECIPIENTS` is wrong; the others have the mail.
- *alert_engineers is red otherwise*: the warehouse could not be reached. Nothing is lost: causes are asked of it again.
- *a mail «неполадки не отслеживаются» came*: this DAG failed; it comes once until an hour has passed without a failure.
- *something is wrong, and no mail came*: `select * from ops.alert where gone_at is null` shows whether it is known. Of
  one kind a way tells once an hour.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable

from mcu.operators.alert_engineers import AlertEngineersOperator, mail_failure

with DAG(
    dag_id="alert_engineers",
    description="What is wrong → mail and webhook, once a cause",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="Europe/Moscow"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # what nobody switched on would tell of nothing
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["alerts"],
):
    AlertEngineersOperator(
        task_id="alert_engineers", execution_timeout=timedelta(minutes=4), on_failure_callback=mail_failure
    )
