"""
### Purpose
Loads a folder with years of old exports of both systems, once. Started by hand:
`make airflow ARGS="dags trigger backfill_exports --conf '{\\"folder\\": \\"/srv/archive\\", \\"dry_run\\": true}'"`.

### Inputs
Parameter `folder`: written as `MCU_INBOX` is (docs/inbox.md), the folder must be visible to the workers. Parameter
`dry_run`: only say in the log which files would be loaded or refused.

### Outputs
Those of `extract_appeals` and `extract_incidents`; oldest export first, one file at a time, so that memory does not
grow with the folder. The log counts the files.

### Triage notes
Cut off at any point it goes on where it was: start it again, or clear the task. What is loaded is not read again.
While it runs, the extracts wait for it.

- *load_pos or load_incident is red*: the folder, the warehouse or a file could not be used; the log names it.
- *check_refusals is red*: files were refused, the message names file, sheet and column; the others are in.
- *announce_pos or announce_incident is skipped*: the marts hold everything already.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, TriggerRule

from mcu.operators.assets import INCIDENTS, POS_MESSAGES
from mcu.operators.load_exports import AnnounceOperator, BackfillExportsOperator, CheckRefusalsOperator

with DAG(
    dag_id="backfill_exports",
    description="A folder of old exports → raw",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params={
        "folder": Param(type="string", minLength=1, description="Where the old exports lie"),
        "dry_run": Param(False, type="boolean", description="Only say what would be done"),
    },
    default_args={
        "queue": "extract",
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "trigger_rule": TriggerRule.ALL_DONE,
    },
    tags=["extract"],
):
    # One after the other: the second finds in ops.inbox_file what the first has learned of the files.
    load_pos = BackfillExportsOperator(task_id="load_pos", source="pos")
    load_incident = BackfillExportsOperator(task_id="load_incident", source="incident")
    load_pos >> AnnounceOperator(task_id="announce_pos", source="pos", outlets=[POS_MESSAGES])
    load_incident >> AnnounceOperator(task_id="announce_incident", source="incident", outlets=[INCIDENTS])
    load_pos >> load_incident
    [load_pos, load_incident] >> CheckRefusalsOperator(task_id="check_refusals")
