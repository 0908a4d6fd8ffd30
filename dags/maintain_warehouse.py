"""
### Purpose
Lets go of what is old, every night: persons in closed messages and in quarantine, results of checks, what killed loads
have left (docs/keeping.md). To see what would go: `make airflow ARGS="dags trigger maintain_warehouse --conf
'{\\"dry_run\\": true}'"`.

### Inputs
`MCU_KEEP_PII_DAYS` and `MCU_KEEP_QUARANTINE_DAYS`, unset: persons stay for ever; `MCU_KEEP_RESULTS_DAYS`, 400 unless
set. `marts.message_current` tells what is closed.

### Outputs
Emptied fields, as `forget_author` empties them, and a row in `ops.forgotten` a night that found somebody; the counts,
the marts and the reconciliation stay as they are, but for the pseudonym of an emptied author. Fewer rows in
`ops.validation_result`, `ops.dbt_result`, `ops.alert`, fewer Data Docs, no orphans in `stage`, vacuumed tables.

### Triage notes
Persons go in one transaction; started again it goes on with what is left, of a dry run nothing is left behind.

- *let_go_of_persons is red, «The marts are being built»*: it is tried again every five minutes. If `ops.mart_build`
  says `running` and no build runs, trigger `build_marts`.
- *either waits long*: a load is at work; it goes on after it.
- *«left» is not 0*: a night takes 50,000 messages; the next ones take the others.
- *tidy is red*: nothing but old results is touched by it; start it again.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from mcu.operators.maintain import LetGoOfPersonsOperator, TidyOperator

with DAG(
    dag_id="maintain_warehouse",
    description="What is old goes, the counts stay",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="Europe/Moscow"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    params={"dry_run": Param(False, type="boolean", description="Only count what would go")},
    default_args={"retries": 6, "retry_delay": timedelta(minutes=5)},
    tags=["maintenance"],
):
    # No arrow: neither needs the other, and each shows by itself when it is red.
    LetGoOfPersonsOperator(task_id="let_go_of_persons")
    TidyOperator(task_id="tidy")
