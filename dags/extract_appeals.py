"""
### Purpose
Brings new exports of «Платформа обратной связи» (citizens' appeals) from the inbox into the warehouse.

### Inputs
Workbooks anywhere in the inbox (`MCU_INBOX`, see docs/inbox.md) with the headers of ПОС;
folder and file name do not matter.

### Outputs
Row versions in `raw.pos_message`, faulty rows in `ops.quarantine`, one row a file in `ops.load`, the answers of the
gate in `ops.validation_result` and the Data Docs; the asset `warehouse://raw/pos_message` if the marts lack something.

### Triage notes
What is loaded stays loaded: clearing a task or starting a run repeats nothing and loses nothing.

- *load_exports is red*: the inbox, the warehouse or a file could not be used; the log names it, `ops.load` has it as
  `failed`. The next run tries again. A file whose load was killed says «прервано» there and is taken anew.
- *check_refusals is red*: a file is no workbook or lacks a needed column; the message names file, sheet and column.
  Have it exported again and put it into the inbox. It is red once a file; the other files are in. If the source has
  renamed a column, add a line to `plugins/mcu/sources/pos_columns.csv`: the next run takes the file. It is red with
  *load_exports*, too.
- *a new file is not taken*: the log of *load_exports* says which are «left for the next run», for they are still being
  written, and which are passed over: links, hidden files, other kinds.
- *announce is skipped*: the marts hold everything already.
- *rows are missing in a report*: `select row_number, reasons from ops.quarantine where load_id = …`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, TriggerRule

from mcu.operators.assets import POS_MESSAGES
from mcu.operators.load_exports import AnnounceOperator, CheckRefusalsOperator, LoadExportsOperator

with DAG(
    dag_id="extract_appeals",
    description="ПОС exports → raw.pos_message",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="Europe/Moscow"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    default_args={"queue": "extract", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["extract"],
):
    load_exports = LoadExportsOperator(task_id="load_exports", source="pos")
    announce = AnnounceOperator(
        task_id="announce", source="pos", outlets=[POS_MESSAGES], trigger_rule=TriggerRule.ALL_DONE
    )
    check_refusals = CheckRefusalsOperator(task_id="check_refusals", trigger_rule=TriggerRule.ALL_DONE)
    load_exports >> [announce, check_refusals]
