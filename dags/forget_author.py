"""
### Purpose
Forgets a person who asks for it (152-ФЗ): their texts, pages and addresses leave the warehouse, every count stays. By
hand, by an engineer: `make airflow ARGS="dags trigger forget_author --conf '{\\"message_ids\\": [\\"incident:1001\\"],
\\"dry_run\\": true}'"`. What it reaches and what not: docs/personal_data.md.

### Inputs
One of two parameters. `author`: the pseudonym that `bi.fct_message.author` shows, or the address of the page, which
Airflow then keeps with the run: delete the run afterwards. `message_ids`: as in `bi.fct_message.message_id`.
`dry_run`, on by default: only count.

### Outputs
Emptied fields in `raw`, `pii`, `ops.quarantine` and wherever checks and errors showed them, no pseudonym in
`fct_message.author`, empty Data Docs; who did it, when and the counts in `ops.forgotten`. The marts need no new build.

### Triage notes
All of it is done or nothing; a second time changes nothing.

- *forget is red, «The marts are being built»*: it is tried again every five minutes. If `ops.mart_build` says `running`
  and no build runs, trigger `build_marts`.
- *forget is red, «No such messages»*: a typing error in `message_ids`; nothing was forgotten.
- *forget waits long*: a load is at work; it goes on after it.
- *messages: 0*: nobody of this page is known. Later loads of older exports are watched for it all the same.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from mcu.operators.forget import ForgetAuthorOperator

with DAG(
    dag_id="forget_author",
    description="A person leaves the warehouse, the counts stay",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params={
        "author": Param(None, type=["null", "string"], description="Pseudonym of the author, or the address of a page"),
        "message_ids": Param([], type="array", items={"type": "string"}, description="Or single messages"),
        "dry_run": Param(True, type="boolean", description="Only count what would be emptied"),
    },
    default_args={"retries": 12, "retry_delay": timedelta(minutes=5)},
    tags=["personal data"],
):
    ForgetAuthorOperator(task_id="forget")
