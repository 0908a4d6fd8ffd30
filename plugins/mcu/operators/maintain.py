"""Operators of `maintain_warehouse`: persons that are old enough, then everything else that is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from mcu.keeping import retention
from mcu.landing.forget import BuildIsRunningError
from mcu.operators import warehouse
from mcu.settings import Settings


class LetGoOfPersonsOperator(BaseOperator):
    """Empties what tells of persons in old messages and rows of quarantine; returns counts. Fails during a build."""

    def execute(self, context: Context) -> dict[str, int]:
        settings, dry_run = Settings.from_env(), bool(context["params"]["dry_run"])
        try:
            done = retention.let_go_of_persons(
                warehouse.dsn(), settings, datetime.now(UTC), context["run_id"], dry_run=dry_run
            )
        except BuildIsRunningError as error:
            raise AirflowException(str(error)) from None
        self.log.info("%s: %s", "Would be emptied" if dry_run else "Emptied", asdict(done))
        return asdict(done)


class TidyOperator(BaseOperator):
    """Drops orphans of stage, deletes old results, vacuums; returns counts. In a dry run it only counts results."""

    def execute(self, context: Context) -> dict[str, int]:
        settings, dry_run = Settings.from_env(), bool(context["params"]["dry_run"])
        dsn, before = warehouse.dsn(), datetime.now(UTC) - timedelta(days=settings.keep_results_days)
        done = retention.delete_results(dsn, settings.state, before, dry_run)
        if not dry_run:
            done["stage"] = retention.drop_orphans(dsn)
            retention.vacuum(dsn)
        self.log.info("%s: %s", "Would be removed" if dry_run else "Removed", done)
        return done
