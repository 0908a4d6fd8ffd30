"""
### Purpose
Turns what was loaded into `raw` into the marts that the reports and BI tools read.

### Inputs
`raw.*` and `ops.load`; runs when `extract_appeals` or `extract_incidents` published something new. Parameter
`full_refresh`: make everything anew.

### Outputs
Schemas `marts` and `bi`, the asset `warehouse://marts`; what happened is in `ops.mart_build`, `ops.dbt_result` and
`ops.validation_result`.

### Triage notes
A build makes anew what the new loads can have changed, or everything: `ops.mart_build.full_because` says why. It is
built aside (`marts_build`), checked, then published in one transaction. **A red run leaves the numbers of the last good
build in place**: nobody reads wrong numbers, but they age, and the reports wait. A red build is closed: mend the cause,
then trigger `build_marts` anew (or clear its run from `begin`), not the failed task alone.

- *begin is skipped*: an earlier run has built everything; appeals and incidents each start one.
- *staging, intermediate, core or reports is red*: the log ends with the nodes that failed. A failed test names a broken
  rule in a sentence: `select * from ops.dbt_result order by finished_at desc`; the failing rows come from the compiled
  SQL that the log names. Fix the seed, the model or the source rows.
- *a model fails with «enforced contract», «duplicate key» or «null value»*: it no longer gives what readers were
  promised (`docs/adr/0009-marts-keep-a-contract.md`). Mend the model; a change that is meant is a new version.
- *check_marts is red*: a number that managers would read is impossible. The reasons stand in the log and in
  `ops.validation_result`. Compare `marts_build` with `marts` before changing anything.
- *publish is red with LockNotAvailable*: a reader held a mart for minutes, see `pg_stat_activity`; clear this task.
- *the run goes on for hours* (alert «Запуск не кончился к сроку»): the log of its running task shows what dbt builds,
  `pg_stat_activity` who holds it up. Mark the run failed and start another one; the published marts stay.
- *a number looks wrong although all is green*: what late data changed on past days stands in `ops.restated_day`. Then
  trigger the DAG with `full_refresh`: it must not change a number; if it does, tell the developers which.
- *the warehouse was lost on the way*: the task is tried again twice by itself.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, chain

from mcu.operators import deadlines
from mcu.operators.assets import INCIDENTS, MARTS, POS_MESSAGES
from mcu.operators.marts import (
    BEGIN_TASK,
    BeginBuildOperator,
    CheckMartsOperator,
    DbtLayerOperator,
    PublishMartsOperator,
)
from mcu.transform.dbt import LAYERS

with DAG(
    dag_id="build_marts",
    description="dbt by layer, checks, swap",
    doc_md=__doc__,
    schedule=(POS_MESSAGES | INCIDENTS),
    catchup=False,
    max_active_runs=1,
    deadline=deadlines.of_run(),
    default_args={"queue": "transform", "retries": 2, "retry_delay": timedelta(minutes=1)},
    params={"full_refresh": Param(False, type="boolean", description="Make every mart anew, not only what changed.")},
    tags=["marts"],
):
    chain(
        BeginBuildOperator(task_id=BEGIN_TASK),
        *[DbtLayerOperator(task_id=layer, layer=layer) for layer in LAYERS],
        CheckMartsOperator(task_id="check_marts"),
        PublishMartsOperator(task_id="publish", outlets=[MARTS]),
    )
