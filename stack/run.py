"""The main job: from exports to delivered reports, through the scheduler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mcu.settings import Settings
from stack.airflow_api import FINISHED, Airflow, FailedTask
from stack.environment import admin_password, process_environment, pseudonym_secret
from stack.local import LocalStack
from stack.paths import REPOSITORY, StackError
from stack.progress import Progress
from stack.services import check_alive
from stack.summary import print_summary
from stack.warehouse import Warehouse, workbooks

EXTRACTS = ("extract_appeals", "extract_incidents")
BUILD = "build_marts"
REPORTS = {"daily": "report_daily", "weekly": "report_weekly"}
DAGS = (*EXTRACTS, BUILD, *REPORTS.values())
# It says which files were refused. The others were taken, and the summary names these.
TOLERATED_TASK = "check_refusals"
PARSE_SECONDS = 180
BUILD_GRACE_SECONDS = 15
NOBODY_SUBSCRIBED = """Nobody is subscribed in the warehouse of WAREHOUSE_DSN: no mail will be sent. To subscribe, with
        a CSV of recipient,report,scope like demo/subscriptions.csv:
        WAREHOUSE_DSN=… PYTHONPATH=plugins .local/venv/bin/python -m mcu.reports.subscriptions FILE"""


def run(stack: LocalStack) -> None:
    """Do the whole job and print the summary; raises StackError when a part of it failed."""
    progress, began = Progress(stack), datetime.now(UTC)
    _check_settings()
    own_warehouse = os.environ.get("WAREHOUSE_DSN") or None
    inbox = inbox_folder(stack)
    if own_warehouse and inbox == stack.demo_inbox:
        _refuse_foreign_warehouse(Warehouse(own_warehouse), inbox)
    progress.say("Starting PostgreSQL, Airflow and the mail catcher")
    started = stack.start(inbox, own_warehouse)
    if inbox == stack.demo_inbox and not workbooks(inbox):
        progress.say(f"Generating the demo exports into {inbox}")
        _generate_demo(stack)
    warehouse = Warehouse(stack.warehouse_dsn())
    warehouse.apply_schema(pseudonym_secret(stack.state, warehouse.has_pseudonym_key()))
    if own_warehouse is None:
        stack.cluster.open_reader(Settings.from_env().timezone.key)
    subscribe(warehouse, own_warehouse is not None, progress)
    stack.wait_until_well()
    progress.say(f"All services are well ({', '.join(started) or 'nothing was to be started'})")

    airflow = Airflow(
        f"http://127.0.0.1:{stack.choice().ports.airflow}", admin_password(stack.state), stack.state / "airflow"
    )
    job = Job(stack, airflow, warehouse, progress, began)
    if "scheduler" in started:
        airflow.fail_cut_off_runs(before=began)
    job.wait_for_parse()
    for dag_id in DAGS:
        airflow.unpause(dag_id)
    job.extract()
    job.build()
    print_summary(stack, warehouse, progress, job.report())


def subscribe(warehouse: Warehouse, is_users: bool, progress: Progress) -> None:
    """Subscribe the demo's readers, but never in a warehouse of the user's own: it may serve others, too."""
    if not is_users:
        warehouse.subscribe_demo_readers()
    elif not warehouse.has_subscriptions():
        progress.say(NOBODY_SUBSCRIBED)


@dataclass(frozen=True)
class Job:
    """One pass through the DAGs. Runs that the scheduler starts meanwhile by itself are none of its business."""

    stack: LocalStack
    airflow: Airflow
    warehouse: Warehouse
    progress: Progress
    began: datetime

    def wait_for_parse(self) -> None:
        """Return when Airflow knows every DAG in its present form: a run of an older form would fail."""
        sources = [*REPOSITORY.glob("dags/*.py"), *REPOSITORY.glob("plugins/**/*.py")]
        newest = datetime.fromtimestamp(max(path.stat().st_mtime for path in sources), UTC)
        deadline = time.monotonic() + PARSE_SECONDS
        while missing := [
            dag_id for dag_id in DAGS if (self.airflow.parsed_at(dag_id) or datetime.min.replace(tzinfo=UTC)) < newest
        ]:
            errors = self.airflow.import_errors()
            if errors or time.monotonic() > deadline:
                raise StackError("\n".join([f"Airflow does not know {', '.join(missing)}.", *errors]))
            self._pause(f"Waiting until Airflow has read {', '.join(missing)}")

    def extract(self) -> None:
        """Take every new file of the inbox into the warehouse."""
        before = self.warehouse.newest_load_id()

        def taken() -> str:
            return "Extracting: {} new files, {:,} rows".format(*self.warehouse.published_since(before))

        run_id = self._trigger({dag_id: {} for dag_id in EXTRACTS})
        while [dag_id for dag_id in EXTRACTS if not self._is_done(dag_id, run_id)]:
            self._pause(taken())
        self.progress.say(taken())

    def build(self) -> None:
        """Wait until the marts hold every published load; start a build where the new data started none."""
        if not self.warehouse.uris():
            raise StackError("\n".join(["The inbox held nothing that could be published.", *self._refusals()]))
        idle_since = time.monotonic()
        while self.warehouse.marts_are_behind() or self.airflow.active_runs(BUILD):
            self._pause("Building the marts")
            if self.airflow.active_runs(BUILD):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > BUILD_GRACE_SECONDS:
                if failed_run := self.airflow.last_run_if_failed(BUILD, self.began):
                    raise _failure(BUILD, self.airflow.failed_tasks(BUILD, failed_run))
                self._trigger({BUILD: {}})
        self.progress.say("The marts hold every load")

    def report(self) -> Mapping[str, date]:
        """Deliver the reports of the newest day and week; returns the start of each period.

        Done is what the delivery ledger says: a run that the scheduler made may deliver the same period.
        """
        periods = {report: start for report, start in self.warehouse.newest_periods().items() if start}
        if not periods:
            raise StackError("The marts hold no whole day of all sources yet. Is one of them missing? See MCU_SOURCES.")
        waiting = {report: start for report, start in periods.items() if self.warehouse.undelivered(report, start)}
        run_id = self._trigger({REPORTS[report]: {"period_start": f"{start}"} for report, start in waiting.items()})
        while waiting := {
            report: start
            for report, start in waiting.items()
            if self.warehouse.undelivered(report, start) and not self._is_done(REPORTS[report], run_id)
        }:
            left = sum(self.warehouse.undelivered(*period) for period in waiting.items())
            self._pause(f"Delivering the reports: {left} mails to go")
        if self.warehouse.has_subscriptions():
            self.progress.say("The reports are delivered")
        return periods

    def _refusals(self) -> list[str]:
        return [f"  {uri}: {status}: {error}" for uri, status, error in self.warehouse.unpublished()]

    def _trigger(self, confs: Mapping[str, Mapping[str, str]]) -> str:
        """Queue a run of each DAG; returns the run id that they share."""
        run_id = f"make_run__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        for dag_id, conf in confs.items():
            self.airflow.trigger(dag_id, run_id, conf)
        return run_id

    def _is_done(self, dag_id: str, run_id: str) -> bool:
        """Whether the run came to its end; raises StackError if it failed."""
        state = self.airflow.run_state(dag_id, run_id)
        if state == "failed":
            failed = self.airflow.failed_tasks(dag_id, run_id)
            grave = [task for task in failed if task.task_id != TOLERATED_TASK]
            if grave or not failed:
                raise _failure(dag_id, grave)
        return state in FINISHED

    def _pause(self, news: str) -> None:
        self.progress.tick(news)
        check_alive(self.stack.state)
        time.sleep(1)


def _check_settings() -> None:
    """Raises StackError for what every task would stumble over."""
    try:
        Settings.from_env()
    except (ValueError, KeyError, re.error) as error:
        raise StackError(f"A setting is wrong: {error}") from error


def inbox_folder(stack: LocalStack) -> Path:
    """The folder of $INBOX, else the demo's; raises StackError when the user's own holds no exports."""
    if not os.environ.get("INBOX"):
        return stack.demo_inbox
    inbox = Path(os.environ["INBOX"]).expanduser().resolve()
    if not inbox.is_dir():
        raise StackError(f"INBOX={inbox} is not a folder.")
    if not workbooks(inbox):
        raise StackError(f"INBOX={inbox} holds no .xlsx file, in no sub-folder either.")
    return inbox


def _refuse_foreign_warehouse(warehouse: Warehouse, inbox: Path) -> None:
    if foreign := sorted(warehouse.uris() - workbooks(inbox)):
        raise StackError(
            f"The warehouse of WAREHOUSE_DSN holds {len(foreign)} loads that are not the demo's ({foreign[0]}, …): "
            "the demo is not mixed into it. Give another WAREHOUSE_DSN, or your exports with INBOX=…"
        )


def _generate_demo(stack: LocalStack) -> None:
    """Into a folder beside the inbox that takes its name when complete: ctrl-C leaves no half of it."""
    half_made = stack.demo_inbox.with_name("inbox.new")
    command = [sys.executable, "-m", "demo", "--out", str(half_made)]
    if subprocess.run(command, cwd=REPOSITORY, env=process_environment({}), check=False).returncode:
        raise StackError("The demo exports could not be generated: see above.")
    try:
        if stack.demo_inbox.exists():
            stack.demo_inbox.rmdir()
        half_made.rename(stack.demo_inbox)
    except OSError as error:
        raise StackError(f"{stack.demo_inbox} holds files, but no .xlsx one: remove them first.") from error


def _failure(dag_id: str, failed: list[FailedTask]) -> StackError:
    lines = [f"  task {task.task_id}: {task.error}\n  log: {task.log}" for task in failed]
    return StackError("\n".join([f"{dag_id} failed.", *lines, "Mend it and `make run` again: it goes on from here."]))
