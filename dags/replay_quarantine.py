"""
### Purpose
Brings quarantined rows back after a rule was mended: a column map in `plugins/mcu/sources/`, a suite in
`expectations/`, the reading of a cell. Started by hand: `make airflow ARGS="dags trigger replay_quarantine"`.

### Inputs
Rows of `ops.quarantine` that no load has brought back yet. The files they came from are not needed any more.

### Outputs
Row versions in `raw`, as of the export that the rows stood in: it ends as if the rule had been right from the
beginning. Each load that gives rows back is followed by one in `ops.load` that is `replay_of` it; the rows keep the
link in `ops.quarantine.replayed_by_load_id`. The assets of the extracts, so that the marts are built.

### Triage notes
Clearing a task or starting a second run repeats nothing: what is back stays back, what is not sound stays out, with its
reasons in the log.

- *replay_pos or replay_incident is red*: the warehouse was lost, or a suite is broken; what came before is back. Start
  the run again.
- *a row does not come back*: the log says which rule it breaks today. `select reasons, payload from ops.quarantine
  where replayed_by_load_id is null` shows the rows and why they were kept out at the time.
- *announce_pos or announce_incident is skipped*: the marts hold everything already.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, TriggerRule

from mcu.operators.assets import INCIDENTS, POS_MESSAGES
from mcu.operators.load_exports import AnnounceOperator, ReplayQuarantineOperator

OUTLETS: dict[str, Asset] = {"pos": POS_MESSAGES, "incident": INCIDENTS}

with DAG(
    dag_id="replay_quarantine",
    description="ops.quarantine → raw, after a rule was mended",
    doc_md=__doc__,
    schedule=None,
    is_paused_upon_creation=False,
    catchup=False,
    max_active_runs=1,
    default_args={"queue": "extract", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["extract"],
):
    for source, outlet in OUTLETS.items():
        replay = ReplayQuarantineOperator(task_id=f"replay_{source}", source=source)
        replay >> AnnounceOperator(
            task_id=f"announce_{source}", source=source, outlets=[outlet], trigger_rule=TriggerRule.ALL_DONE
        )
