"""`make run` as a user does it: generated exports in, through the scheduler, mails in the catcher. Twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from stack.airflow_api import FINISHED, Airflow
from stack.environment import admin_password
from stack.local import LocalStack
from stack.paths import REPOSITORY
from stack.process import family_of
from stack.services import background
from tests.e2e.leaks import leaks, secrets_of, text_of_database, texts_of_files
from tests.e2e.running_stack import ask, caught_mails, wait_for, waiting_process
from tests.integration.reports.mail_cells import Marts, cells, html_of

pytestmark = pytest.mark.e2e

STATE = REPOSITORY / ".local" / "e2e"
# Enough for a week with a previous one; the days between them would only cost time.
KEPT_EXPORTS = ("2026-03-10", "2026-03-15", "2026-03-16")
LAST_SUNDAY = "2026-03-15"
BROKEN = "broken 2026-03-16.xlsx"
SUBSCRIPTIONS = 34
AGAIN_SECONDS = 120
FACTS = (
    "select * from ops.load order by load_id",
    "select * from ops.quarantine order by load_id, row_number",
    "select * from ops.delivery order by delivery_id",
    "select * from raw.pos_message order by source_key, exported_at, content_hash",
    "select * from raw.incident order by source_key, exported_at, content_hash",
    "select * from bi.rpt_weekly_municipality order by week_start, oktmo, source",
    "select * from bi.rpt_daily_summary order by date, oktmo, source",
)


@dataclass(frozen=True)
class Finished:
    """One `make run`: its exit code, what it printed, how long it took."""

    code: int
    output: str
    seconds: float


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack with a state of its own whose demo inbox holds a few small exports and one broken file."""
    stack = LocalStack(STATE)
    if STATE.exists():
        stack.stop()
        shutil.rmtree(STATE)
    _fill(stack.demo_inbox)
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def first(stack: LocalStack) -> Finished:
    return _make_run()


@pytest.fixture
def warehouse(stack: LocalStack, first: Finished) -> Iterator[Any]:
    assert first.code == 0, first.output
    connection = psycopg2.connect(stack.warehouse_dsn())
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def test_the_job_ends_well_and_tells_what_it_did(first: Finished) -> None:
    assert first.code == 0, first.output
    assert f"weekly of 2026-03-09: {SUBSCRIPTIONS // 2} sent" in first.output
    assert f"daily  of 2026-03-15: {SUBSCRIPTIONS // 2} sent" in first.output


def test_a_file_that_is_no_workbook_is_named_and_stops_nothing(first: Finished) -> None:
    assert f"{BROKEN}: refused" in first.output


def test_every_row_that_was_read_lies_where_the_ledger_says(warehouse: Any) -> None:
    warehouse.execute(
        """
        select source, count(*), sum(rows_read), sum(rows_new + rows_changed), sum(rows_unchanged),
            sum(rows_quarantined), bool_and(rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined)
        from ops.load where status = 'published' group by source order by source
        """
    )
    ledger = warehouse.fetchall()
    assert [(source, files) for source, files, *_ in ledger] == [("incident", 3), ("pos", 3)]
    tables = {"incident": "raw.incident", "pos": "raw.pos_message"}
    for source, _, read, versions, unchanged, quarantined, is_balanced in ledger:
        warehouse.execute(f"select count(*) from {tables[source]}")
        assert warehouse.fetchone() == (versions,)
        warehouse.execute("select count(*) from ops.quarantine where source = %s", (source,))
        assert warehouse.fetchone() == (quarantined,)
        assert is_balanced
        assert min(read, versions, unchanged) > 0


def test_every_number_in_every_mail_is_the_marts_number(stack: LocalStack, warehouse: Any) -> None:
    mails = caught_mails(stack)
    assert len(mails) == SUBSCRIPTIONS
    marts, compared = Marts(warehouse), 0
    for mail in mails:
        for cell in cells(html_of(mail)):
            expected = marts.value(cell.path)
            assert cell.value == "" if expected is None else float(cell.value) == pytest.approx(expected), cell
            compared += 1
    assert compared > 20 * SUBSCRIPTIONS


def test_no_secret_stands_where_somebody_looks(stack: LocalStack, warehouse: Any, tmp_path: Path) -> None:
    """Logs, XCom, rendered templates, ledgers, pages of the checks, dbt's artefacts, the archive; planted: found."""
    secrets = secrets_of(STATE / "secrets")
    assert {"fernet", "jwt", "api", "pseudonym", "airflow_admin", "postgres_mcu", "postgres_airflow"} <= secrets.keys()
    looked_at = [STATE / name for name in ("airflow/logs", "log", "data_docs", "dbt", "archive")]
    places = list(texts_of_files(looked_at))
    for name, dsn in (("airflow", stack.cluster.dsn("airflow", "airflow")), ("warehouse", stack.warehouse_dsn())):
        places.append(text_of_database(dsn, tmp_path / name))
    assert leaks(places, secrets) == []

    for planted in ("extract_appeals", "rpt_weekly_municipality", "<title>"):  # of a log, a ledger, a page
        assert leaks(places, {"planted": planted})
    in_forms = {place.rpartition(".")[2].split(":")[0] for place in leaks(places, {"planted": "Ростовская область"})}
    assert {"html", "pdf", "xlsx"} <= in_forms
    assert all(any(place.startswith(str(folder)) for place, _ in places) for folder in looked_at)


def test_a_second_run_is_quick_changes_no_number_and_sends_no_mail(stack: LocalStack, warehouse: Any) -> None:
    before = _facts(warehouse)
    warehouse.connection.rollback()  # ends the transaction: the marts are swapped under a lock

    again = _make_run()

    assert again.code == 0, again.output
    assert again.seconds < AGAIN_SECONDS
    after = _facts(warehouse)
    assert [query for query in FACTS if after[query] != before[query]] == []
    assert len(caught_mails(stack)) == SUBSCRIPTIONS


def test_a_task_and_the_scheduler_are_killed_in_the_middle_of_a_load(stack: LocalStack, warehouse: Any) -> None:
    """The task alone: Airflow tries it again. Then all at once: the next run does what was left."""
    later = "pos_2026-03-16_00-40.xlsx"
    shutil.copy(stack.demo_inbox / "pos_2026-03-16_00-25.xlsx", stack.demo_inbox / later)
    airflow = Airflow(f"http://127.0.0.1:{stack.choice().ports.airflow}", admin_password(STATE), STATE / "airflow")
    warehouse.execute("select pg_advisory_xact_lock(hashtext('mcu.load.pos'))")  # no load is published meanwhile
    airflow.trigger("extract_appeals", "killed")
    wait_for(lambda: _waiting_loader(stack)).kill()
    task = "select state from task_instance where run_id = 'killed' and task_id = 'load_exports'"
    wait_for(lambda: ask(stack.cluster.dsn("airflow", "airflow"), task) == [("up_for_retry",)])
    at_once = {"dry_run": False, "dag_run_id": "killed", "task_ids": ["load_exports"], "only_failed": False}
    airflow._call("POST", "/api/v2/dags/extract_appeals/clearTaskInstances", at_once)
    wait_for(lambda: len(_loads_of(stack, later)) == 2 and _waiting_loader(stack))
    scheduler = background(STATE, "scheduler").find()
    assert scheduler
    family = sorted(family_of(scheduler), key=lambda process: process != scheduler)  # it must not see its tasks die
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=60)
    warehouse.connection.rollback()
    assert _loads_of(stack, later) == [("failed", "прервано", 0), ("running", None, 0)]

    began = datetime.now(UTC)
    assert stack.start(stack.demo_inbox, None) == ["scheduler"]
    airflow.fail_cut_off_runs(before=began)
    airflow.trigger("extract_appeals", "next")
    wait_for(lambda: airflow.run_state("extract_appeals", "next") in FINISHED)

    assert airflow.run_state("extract_appeals", "next") == "success"
    *interrupted, (status, error, rows_unchanged) = _loads_of(stack, later)
    assert interrupted == [("failed", "прервано", 0)] * 2
    assert (status, error) == ("published", None)
    assert rows_unchanged > 0
    assert ask(stack.warehouse_dsn(), "select tablename from pg_tables where schemaname = 'stage'") == []


def _fill(inbox: Path) -> None:
    everything = STATE / "exports"
    command = [sys.executable, "-m", "demo", "--out", str(everything)]
    options = ["--weeks", "3", "--monthly", "600", "--until", LAST_SUNDAY]
    subprocess.run([*command, *options], cwd=REPOSITORY, check=True)
    inbox.mkdir()
    for path in everything.rglob("*.xlsx"):
        if any(day in path.name for day in KEPT_EXPORTS):
            shutil.copy(path, inbox)
    (inbox / BROKEN).write_text("Это не книга Excel")


def _make_run() -> Finished:
    """What `make run` does after the set-up."""
    settings = ("INBOX", "WAREHOUSE_DSN", "MCU_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "stack", "run"],
        cwd=REPOSITORY,
        env={**env, "MCU_STATE": str(STATE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout, time.monotonic() - began)


def _facts(cursor: Any) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for query in FACTS:
        cursor.execute(query)
        found[query] = cursor.fetchall()
    return found


def _loads_of(stack: LocalStack, uri: str) -> list[tuple[Any, ...]]:
    statement = f"select status, error, rows_unchanged from ops.load where uri = '{uri}' order by load_id"
    return ask(stack.warehouse_dsn(), statement)


def _waiting_loader(stack: LocalStack) -> psutil.Process | None:
    """The process of the task that waits to publish, if there is one."""
    dsn = stack.warehouse_dsn()
    return waiting_process(dsn) if ask(dsn, "select from ops.load where status = 'running'") else None
