"""
### Purpose
Sends the corrected edition of a report («Уточнённый»), after somebody has approved it.

### Inputs
Parameters `report` and `period_start`: the first day of a period that was delivered. The archive, `ops.delivery`, the
marts; connections `warehouse` and `smtp_default`.

### Outputs
`prepare` puts the corrected editions into the archive as the next revision. `approve` waits, for three days, until
somebody chooses in Airflow's page (Required Actions): what changed stands there. `deliver` then sends what lies in the
archive to those who have had an earlier edition and are still subscribed. Rejected: nothing goes, and the next
`prepare` makes the revision anew.

### Triage notes
- *prepare is skipped*: no edition of the period reads otherwise. Marks that came later are no correction.
- *approve is rejected or runs out*: `deliver` is skipped or does not run. Start the DAG anew to propose it once more.
- *deliver is red*: as `deliver` of the report's own DAG: the message names the mails. Clear the task; nobody gets two.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, chain

from mcu.operators.editions import DeliverRevisionOperator, PrepareRevisionOperator

with DAG(
    dag_id="revise_report",
    description="Уточнённый отчёт: после одобрения",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={"queue": "report", "owner": "reports"},
    params={
        "report": Param("weekly", type="string", enum=["daily", "weekly"], description="Which report"),
        "period_start": Param(None, type=["null", "string"], format="date", description="First day of its period"),
    },
    tags=["report"],
):
    chain(
        PrepareRevisionOperator(task_id="prepare"),
        ApprovalOperator(
            task_id="approve",
            subject="Отправить уточнённый отчёт ({{ params.report }}, {{ params.period_start }})?",
            body="{{ ti.xcom_pull(task_ids='prepare')['text'] }}",
            response_timeout=timedelta(days=3),
        ),
        DeliverRevisionOperator(task_id="deliver", prepared_by="prepare", retries=5, retry_delay=timedelta(minutes=5)),
    )
