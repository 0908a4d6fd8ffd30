"""CeleryExecutor, a real Redis, two workers: one dies by SIGKILL in the middle of a load, one in that of a delivery.

Nobody restarts them for it: Airflow misses the task, and the worker that is left does the work. In the end every file
is in once, and every reader has one mail.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import psutil
import psycopg2
import pytest

from stack.airflow_api import FINISHED, Airflow
from stack.environment import Ports, admin_password, process_environment
from stack.local import LocalStack
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.process import family_of, stop_all
from stack.progress import Progress
from stack.run import BUILD, Job
from stack.services import background, start_services
from stack.warehouse import Warehouse
from tests.e2e.running_stack import ask, caught_mails, wait_for, waiting_process
from tests.servers import redis_server

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(REDIS is None, reason="no redis-server on this machine: apt install redis-server"),
]

STATE = REPOSITORY / ".local" / "test" / "workers"
LAST_SUNDAY = "2026-03-15"
WEEK = "2026-03-09"
KEPT_EXPORTS = ("2026-03-10", "2026-03-12", "2026-03-15", "2026-03-16")
WORKERS = ("worker-1", "worker-2")
QUEUES = "default,extract,report,transform"
READERS = 17
MAILS_BEFORE = 8  # that have gone when the worker dies

# Six times the pause between two heartbeats: a busy machine is no dead one. Airflow's own default is 300.
MISSED_AFTER_SECONDS = "30"
CELERY = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": MISSED_AFTER_SECONDS,
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
}


@dataclass(frozen=True)
class Task:
    """The newest try of a task. `tried`: how many tries it had."""

    dag_id: str
    run_id: str
    task_id: str
    state: str
    tried: int


@dataclass(frozen=True)
class House:
    """A running stack whose tasks the workers do. `environment`: what its processes are given."""

    stack: LocalStack
    environment: Mapping[str, str]
    airflow: Airflow
    began: datetime

    @property
    def warehouse_dsn(self) -> str:
        return self.stack.warehouse_dsn()

    @property
    def metadata_dsn(self) -> str:
        return self.stack.cluster.dsn("airflow", "airflow")

    @property
    def job(self) -> Job:
        return Job(self.stack, self.airflow, Warehouse(self.warehouse_dsn), Progress(self.stack), self.began)

    def start_workers(self) -> None:
        """Start those that do not run; return when all take tasks."""
        for name in WORKERS:
            worker = background(STATE, name)
            if worker.find() is None:
                command = ["-P", "-m", "airflow", "celery", "worker", "--queues", QUEUES, "--celery-hostname", name]
                command += ["--pid", str(STATE / "run" / f"{name}.pid"), "--skip-serve-logs"]
                worker.log.unlink(missing_ok=True)
                worker.start(command, process_environment(self.environment), fingerprint="")
        wait_for(lambda: all(" ready." in background(STATE, name).log.read_text() for name in WORKERS))

    def kill_worker_of(self, process: psutil.Process) -> None:
        """SIGKILL to the worker that the process belongs to and to all that it started, as if its host were gone."""
        (worker,) = (
            worker
            for worker in (background(STATE, name) for name in WORKERS)
            if (found := worker.find()) and process in family_of(found)
        )
        leader = worker.find()
        assert leader
        family = sorted(family_of(leader), key=lambda member: member != leader)  # it must not see its tasks die
        assert len(family) > 2
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=60)
        stop_all([worker])  # takes away its pid file

    def running_task(self, dag_id: str, task_id: str) -> Task:
        """The one of the task that runs."""
        query = f"select run_id from task_instance where dag_id = '{dag_id}' and task_id = '{task_id}'"
        ((run_id,),) = ask(self.metadata_dsn, f"{query} and state = 'running'")
        return self.task(dag_id, run_id, task_id)

    def task(self, dag_id: str, run_id: str, task_id: str) -> Task:
        query = f"dag_id = '{dag_id}' and run_id = '{run_id}' and task_id = '{task_id}'"
        ((state, tried),) = ask(self.metadata_dsn, f"select state, try_number from task_instance where {query}")
        return Task(dag_id, run_id, task_id, state, tried)

    def is_done_by_another(self, killed: Task) -> bool:
        """Whether the killed try was missed, and the next one, asked for without its pause, ended the run well."""

        def now() -> Task:
            return self.task(killed.dag_id, killed.run_id, killed.task_id)

        wait_for(lambda: now().state == "up_for_retry")
        where = f"dag_id = '{killed.dag_id}' and run_id = '{killed.run_id}' and task_id = '{killed.task_id}'"
        assert len(ask(self.metadata_dsn, f"select from log where event = 'heartbeat timeout' and {where}")) == 1
        at_once = {"dry_run": False, "dag_run_id": killed.run_id, "task_ids": [killed.task_id], "only_failed": False}
        self.airflow._call("POST", f"/api/v2/dags/{killed.dag_id}/clearTaskInstances", at_once)
        wait_for(lambda: self.airflow.run_state(killed.dag_id, killed.run_id) in FINISHED)
        assert now().tried == killed.tried + 1
        return self.airflow.run_state(killed.dag_id, killed.run_id) == "success"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    stack = LocalStack(STATE)
    if STATE.exists():
        stack.stop()
        shutil.rmtree(STATE)
    _fill(stack)
    assert REDIS
    # The main job's test may be looking for the usual ports at the same time.
    with redis_server(REDIS) as redis, patch("stack.local.USUAL_PORTS", Ports(*(free_port() for _ in range(4)))):
        began = datetime.now(UTC)
        stack.start_warehouse(stack.demo_inbox, None)
        warehouse = Warehouse(stack.warehouse_dsn())
        warehouse.apply_schema("the pseudonyms of the tests")
        warehouse.subscribe_demo_readers()
        environment = {
            **stack.environment(),
            **CELERY,
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{redis}/0",
        }
        ports = stack.choice().ports
        try:
            start_services(STATE, ports, environment)
            airflow = Airflow(f"http://127.0.0.1:{ports.airflow}", admin_password(STATE), STATE / "airflow")
            house = House(stack, environment, airflow, began)
            house.start_workers()
            stack.wait_until_well()
            house.job.wait_for_parse()
            yield house
        finally:
            stack.stop()


def test_a_worker_dies_in_the_middle_of_a_load(house: House) -> None:
    house.airflow.unpause("extract_appeals")
    wait_for(lambda: len(_published(house)) >= 2)
    with _holding(house, "select pg_advisory_xact_lock(hashtext('mcu.load.pos'))"):  # no load is published meanwhile
        loader = wait_for(lambda: waiting_process(house.warehouse_dsn))
        killed = house.running_task("extract_appeals", "load_exports")
        before = _published(house)
        house.kill_worker_of(loader)
    assert 2 <= len(before) < len(KEPT_EXPORTS)

    assert house.is_done_by_another(killed)
    house.airflow.unpause("extract_incidents")
    wait_for(lambda: len(_published(house)) == 2 * len(KEPT_EXPORTS))

    loads = ask(house.warehouse_dsn, "select uri, status, error from ops.load order by load_id")
    published = Counter(uri for uri, status, _ in loads if status == "published")
    assert published == Counter(str(path.relative_to(house.stack.demo_inbox)) for path in _exports(house.stack))
    assert [(status, error) for _, status, error in loads if status != "published"] == [("failed", "прервано")]
    assert ask(house.warehouse_dsn, "select from pg_tables where schemaname = 'stage'") == []
    assert ask(house.warehouse_dsn, LEDGER_AND_RAW) == [("incident", True, True, True), ("pos", True, True, True)]


def test_a_worker_dies_in_the_middle_of_a_delivery(house: House) -> None:
    house.start_workers()
    house.airflow.unpause(BUILD)
    house.airflow.trigger(BUILD, "built")
    house.job.build()
    house.airflow.unpause("report_weekly")
    house.airflow.trigger("report_weekly", "killed", {"period_start": WEEK})
    with _holding(house, NEXT_MAIL):  # neither begun nor gone
        sender = wait_for(lambda: waiting_process(house.warehouse_dsn))
        killed = house.running_task("report_weekly", "deliver")
        assert _states(house) == {"sent": MAILS_BEFORE, "planned": READERS - MAILS_BEFORE}
        assert len(caught_mails(house.stack)) == MAILS_BEFORE
        house.kill_worker_of(sender)

    assert house.is_done_by_another(killed)
    assert _states(house) == {"sent": READERS}
    readers = ask(house.warehouse_dsn, "select recipient from ops.report_subscription where report = 'weekly'")
    assert Counter(mail["To"] for mail in caught_mails(house.stack)) == Counter(reader for (reader,) in readers)


LEDGER_AND_RAW = """
    select
        source,
        bool_and(rows_read = rows_new + rows_changed + rows_unchanged + rows_quarantined),
        sum(rows_new + rows_changed) = case source
            when 'pos' then (select count(*) from raw.pos_message) else (select count(*) from raw.incident)
        end,
        sum(rows_quarantined) = (select count(*) from ops.quarantine where quarantine.source = load.source)
    from ops.load
    where status = 'published'
    group by source order by source
"""

# Of the one alone: `for update` would lock those that `offset` passes over, too.
NEXT_MAIL = f"""
    select from ops.delivery where delivery_id = (
        select delivery_id from ops.delivery where state = 'planned' and report = 'weekly'
        order by scope, recipient offset {MAILS_BEFORE} limit 1
    ) for update
"""


@contextmanager
def _holding(house: House, statement: str) -> Iterator[None]:
    """Hold what the statement locks, once it finds a row."""
    with closing(psycopg2.connect(house.warehouse_dsn)) as connection, connection.cursor() as cursor:

        def locks() -> bool:
            connection.rollback()
            cursor.execute(statement)
            return cursor.rowcount == 1

        wait_for(locks)
        yield


def _published(house: House) -> list[str]:
    return [uri for (uri,) in ask(house.warehouse_dsn, "select uri from ops.load where status = 'published'")]


def _states(house: House) -> dict[str, int]:
    return dict(ask(house.warehouse_dsn, "select state, count(*) from ops.delivery group by state"))


def _exports(stack: LocalStack) -> list[Path]:
    return sorted(stack.demo_inbox.rglob("*.xlsx"))


def _fill(stack: LocalStack) -> None:
    command = [sys.executable, "-m", "demo", "--out", str(stack.demo_inbox)]
    subprocess.run([*command, "--weeks", "3", "--until", LAST_SUNDAY], cwd=REPOSITORY, check=True)
    for path in _exports(stack):
        if not any(day in path.name for day in KEPT_EXPORTS):
            path.unlink()
