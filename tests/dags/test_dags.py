"""Every DAG file: it parses without I/O, says when it runs and over which interval, and tells what to do when red."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import asyncssh  # noqa: F401 - its first import asks ldconfig for a library, whatever the DAG file does
import psycopg2
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, AssetAny, CronDataIntervalTimetable

from mcu.operators import deadlines
from mcu.operators.assets import INCIDENTS, MARTS, POS_MESSAGES
from stack.paths import REPOSITORY

DAG_FILES = sorted((REPOSITORY / "dags").glob("*.py"))
EXPECTED = {
    "backfill_exports": ["load_pos", "load_incident", "announce_pos", "announce_incident", "check_refusals"],
    "forget_author": ["forget"],
    "replay_quarantine": ["replay_pos", "announce_pos", "replay_incident", "announce_incident"],
    "collect_mail": ["collect_mail"],
    "build_marts": ["begin", "staging", "intermediate", "core", "reports", "check_marts", "publish"],
    "extract_appeals": ["load_exports", "announce", "check_refusals"],
    "extract_incidents": ["load_exports", "announce", "check_refusals"],
    "report_daily": ["wait_for_marts", "deliver"],
    "report_weekly": ["wait_for_marts", "deliver"],
    "alert_engineers": ["alert_engineers"],
    "check_editions": ["check_editions"],
    "maintain_warehouse": ["let_go_of_persons", "tidy"],
    "revise_report": ["prepare", "approve", "deliver"],
}

# What a worker needs to take a queue: extract the inbox, report the archive. Everything else is «default».
QUEUES = {
    "extract": {"backfill_exports", "collect_mail", "extract_appeals", "extract_incidents", "replay_quarantine"},
    "transform": {"build_marts"},
    "report": {"check_editions", "report_daily", "report_weekly", "revise_report"},
    "default": {"alert_engineers", "forget_author", "maintain_warehouse"},
}


def parse(file: Path) -> DagBag:
    return DagBag(dag_folder=file, safe_mode=False)


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    return {dag_id: dag for file in DAG_FILES for dag_id, dag in parse(file).dags.items()}


def test_the_dags_are_the_expected_ones(dags: dict[str, DAG]) -> None:
    assert {dag_id: list(dag.task_ids) for dag_id, dag in dags.items()} == EXPECTED


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_a_file_declares_one_dag_of_its_name_in_a_hundred_lines(file: Path) -> None:
    bag = parse(file)
    assert bag.import_errors == {}
    assert list(bag.dags) == [file.stem]
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 100


def test_a_broken_file_is_seen(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("from mcu.operators.nothing import Nothing\n")
    assert parse(broken).import_errors


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_parsing_opens_no_connection_and_starts_no_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a DAG file did I/O while it was parsed")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert parse(file).import_errors == {}


def test_parsing_with_a_connection_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "impolite.py"
    file.write_text("import psycopg2\npsycopg2.connect('dbname=warehouse')\n")
    test = test_parsing_opens_no_connection_and_starts_no_process
    with pytest.raises(AssertionError):
        test(file, monkeypatch)


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_a_dag_tells_what_it_is_for_and_what_to_do_when_it_is_red(dags: dict[str, DAG], dag_id: str) -> None:
    doc = dags[dag_id].doc_md or ""
    for heading in ("Purpose", "Inputs", "Outputs", "Triage"):
        assert re.search(rf"^(### |\*\*){heading}", doc, re.MULTILINE), heading
    named_tasks = [task for task in EXPECTED[dag_id] if task in doc]
    assert len(named_tasks) >= min(2, len(EXPECTED[dag_id]))
    assert dags[dag_id].tags


@pytest.mark.parametrize(
    ("dag_id", "cron"),
    [
        ("extract_appeals", "0 * * * *"),
        ("extract_incidents", "*/15 * * * *"),
        ("report_daily", "0 8 * * *"),
        ("report_weekly", "0 8 * * 1"),
        ("alert_engineers", "*/5 * * * *"),
        ("check_editions", "30 7 * * *"),
        ("maintain_warehouse", "0 3 * * *"),
    ],
)
def test_a_scheduled_dag_has_explicit_intervals_of_the_region(dags: dict[str, DAG], dag_id: str, cron: str) -> None:
    timetable = dags[dag_id].timetable
    assert timetable == CronDataIntervalTimetable(cron, timezone="Europe/Moscow")
    assert dags[dag_id].catchup is False


@pytest.mark.parametrize("dag_id", ["report_daily", "report_weekly"])
def test_a_report_can_be_started_for_some_and_needs_no_parameter(dags: dict[str, DAG], dag_id: str) -> None:
    params = dags[dag_id].params
    assert {"period_start", "scope", "recipient"} <= set(params)
    params.validate()
    params["scope"], params["recipient"] = "60737000", "a@mcu.example"
    params.validate()


def test_mail_is_collected_only_where_there_is_a_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    file = REPOSITORY / "dags" / "collect_mail.py"
    monkeypatch.delenv("MCU_MAILBOX", raising=False)
    assert parse(file).dags["collect_mail"].timetable.can_be_scheduled is False
    monkeypatch.setenv("MCU_MAILBOX", "exports_mailbox")
    timetable = parse(file).dags["collect_mail"].timetable
    assert timetable == CronDataIntervalTimetable("*/15 * * * *", timezone="Europe/Moscow")


def test_the_marts_are_built_when_either_source_brings_something(dags: dict[str, DAG]) -> None:
    condition = dags["build_marts"].timetable.asset_condition
    assert isinstance(condition, AssetAny)
    assert set(condition.objects) == {POS_MESSAGES, INCIDENTS}
    outlets = {
        (dag_id, task.task_id): task.outlets for dag_id, dag in dags.items() for task in dag.tasks if task.outlets
    }
    assert outlets == {
        ("extract_appeals", "announce"): [POS_MESSAGES],
        ("extract_incidents", "announce"): [INCIDENTS],
        ("backfill_exports", "announce_pos"): [POS_MESSAGES],
        ("backfill_exports", "announce_incident"): [INCIDENTS],
        ("replay_quarantine", "announce_pos"): [POS_MESSAGES],
        ("replay_quarantine", "announce_incident"): [INCIDENTS],
        ("build_marts", "publish"): [MARTS],
    }


def test_only_one_load_of_a_source_and_one_build_run_at_a_time(dags: dict[str, DAG]) -> None:
    for dag_id in set(EXPECTED) - {"report_daily", "report_weekly"}:
        assert dags[dag_id].max_active_runs == 1


def test_a_build_and_a_report_that_do_not_end_are_told_of(dags: dict[str, DAG]) -> None:
    watched = {dag_id for dag_id, dag in dags.items() if dag.deadline}
    assert watched == {"build_marts", "report_daily", "report_weekly"}
    for dag_id in watched:
        assert dags[dag_id].deadline == [deadlines.of_run()]
    assert deadlines.of_run().callback.path == "mcu.operators.deadlines.note_missed"


def test_what_is_started_by_hand_runs_when_it_is_started(dags: dict[str, DAG]) -> None:
    by_hand = {dag_id for dag_id, dag in dags.items() if not dag.timetable.can_be_scheduled}
    assert by_hand - {"collect_mail"} == {"backfill_exports", "forget_author", "replay_quarantine", "revise_report"}
    assert all(dags[dag_id].is_paused_upon_creation is False for dag_id in by_hand - {"collect_mail"})


def test_every_task_of_a_dag_goes_into_the_queue_of_its_kind(dags: dict[str, DAG]) -> None:
    queues: dict[str, set[str]] = {}
    for dag_id, dag in dags.items():
        (queue,) = {task.queue for task in dag.tasks}
        queues.setdefault(queue, set()).add(dag_id)
    assert queues == QUEUES


def test_the_worker_of_the_compose_file_takes_every_queue() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    *command, queues = compose["services"]["worker"]["command"]
    assert command == ["airflow", "celery", "worker", "--queues"]
    assert queues == f"${{WORKER_QUEUES:-{','.join(sorted(QUEUES))}}}"
