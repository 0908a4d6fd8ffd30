"""Operators of the extract DAGs: load what is new, announce it, fail over what was refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from mcu.landing import ledger
from mcu.landing.load import Loader
from mcu.landing.plan import plan
from mcu.landing.replay import replay
from mcu.operators import inbox, warehouse
from mcu.settings import Settings

if TYPE_CHECKING:
    from mcu.operators.lineage import Told


class SourceOperator(BaseOperator):
    """A task about one source: `pos` or `incident`."""

    def __init__(self, *, source: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source


class LoadExportsOperator(SourceOperator):
    """Loads every new export of the source from the inbox; a file that breaks or is refused stops no other.

    Fails, to be retried, if the inbox, the warehouse or a file could not be used for the moment.
    """

    def execute(self, context: Context) -> None:
        settings = self.settings(context)
        loader = Loader(warehouse.dsn(), self.source, settings, _run(context), inbox.inbox(settings))
        summary = loader.run()
        for uri, reason in summary.waiting.items():
            self.log.warning("%s is left for the next run: %s", uri, reason)
        if summary.failed:
            reasons = (f"{uri}: {reason}" for uri, reason in summary.failed.items())
            raise AirflowException("Could not be loaded, will be tried again:\n" + "\n".join(reasons))

    def settings(self, context: Context) -> Settings:
        """Those of the installation."""
        return Settings.from_env()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Told:
        """The files that were taken → raw and quarantine."""
        return _lineage(self.source, self.settings(task_instance.get_template_context()), task_instance)


class BackfillExportsOperator(LoadExportsOperator):
    """The same with the folder of the run's parameter `folder`; with `dry_run` it only says what it would do."""

    def execute(self, context: Context) -> None:
        if not context["params"]["dry_run"]:
            super().execute(context)
            return
        planned = plan(warehouse.dsn(), self.source, inbox.inbox(self.settings(context)))
        self.log.info("Would be loaded: %d, refused: %d", len(planned.loads), len(planned.refusals))
        for uri, reason in (planned.unreadable | planned.waiting).items():
            self.log.warning("%s: %s", uri, reason)

    def settings(self, context: Context) -> Settings:
        """Those of the installation, but another inbox."""
        return replace(Settings.from_env(), inbox=context["params"]["folder"])


class ReplayQuarantineOperator(SourceOperator):
    """Brings back the source's quarantined rows that are sound by now; returns how many came back and how many stay."""

    def execute(self, context: Context) -> dict[str, int]:
        done = replay(warehouse.dsn(), self.source, Settings.from_env(), _run(context))
        self.log.info("%d rows are back, %d stay in quarantine", done.brought_back, done.left)
        return {"brought_back": done.brought_back, "left": done.left}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Told:
        """Quarantine → raw."""
        return _lineage(self.source, Settings.from_env(), task_instance)


class AnnounceOperator(SourceOperator):
    """Updates its outlet if something was published that no build of the marts holds yet, else skips."""

    def execute(self, context: Context) -> None:
        with warehouse.connect() as connection:
            if not ledger.has_news(connection, self.source):
                raise AirflowSkipException("Every published load is in the marts.")


class CheckRefusalsOperator(BaseOperator):
    """Fails once, naming file and reason, if this run refused files: somebody has to export them anew.

    Fails too if a task before it did: the last tasks alone decide whether a run is red.
    """

    def execute(self, context: Context) -> None:
        with warehouse.connect() as connection:
            refusals = ledger.refusals(connection, _run(context))
        if refusals:
            raise AirflowFailException("Refused until their content or the rules change:\n" + "\n".join(refusals))
        run_id = context["run_id"]
        states = context["ti"].get_task_states(
            context["dag_run"].dag_id, task_ids=sorted(self.upstream_task_ids), run_ids=[run_id]
        )
        if failed := [task_id for task_id, state in states[run_id].items() if state != "success"]:
            raise AirflowFailException(f"Nothing was refused, but {', '.join(failed)} failed: see its log.")


def _run(context: Context) -> str:
    """Two DAGs can have runs of one id."""
    return _run_id(context["dag_run"].dag_id, context["run_id"])


def _run_id(dag_id: str, run_id: str) -> str:
    return f"{dag_id} {run_id}"


def _lineage(source: str, settings: Settings, task_instance: Any) -> Told:
    from mcu.lineage import loads
    from mcu.lineage.names import Warehouse
    from mcu.operators import lineage

    run_id = _run_id(task_instance.dag_id, task_instance.run_id)
    dsn = warehouse.dsn()
    with closing(warehouse.connect()) as connection:
        return lineage.told(loads.flow(connection, Warehouse.of(dsn), settings.inbox, source, run_id))
