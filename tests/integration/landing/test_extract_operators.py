"""The tasks of the extract DAGs over a real warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from psycopg2.extensions import connection as Connection

from mcu.operators.load_exports import AnnounceOperator, CheckRefusalsOperator, LoadExportsOperator
from mcu.settings import PROJECT
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres


@pytest.fixture
def inbox(tmp_path: Path, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)
    monkeypatch.setenv("MCU_INBOX", str(folder))
    monkeypatch.setenv("MCU_STATE", str(tmp_path / "state"))
    return folder


def context(dag_id: str = "extract_appeals", run_id: str = "scheduled__1") -> Any:
    task_states: dict[str, dict[str, str]] = {run_id: {}}
    ti = SimpleNamespace(get_task_states=lambda *_, **__: task_states)
    return {"run_id": run_id, "dag_run": SimpleNamespace(dag_id=dag_id), "ti": ti}


def load(source: str = "pos", **run: str) -> None:
    LoadExportsOperator(task_id="load_exports", source=source).execute(context(**run))


def announce(source: str = "pos") -> None:
    AnnounceOperator(task_id="announce", source=source).execute(context())


def check_refusals(**run: str) -> None:
    CheckRefusalsOperator(task_id="check_refusals").execute(context(**run))


def build_marts(connection: Connection, status: str = "published") -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.mart_build (run_id, status) values ('by hand', %s)", (status,))


def test_news_are_announced_until_the_marts_hold_them(inbox: Path, warehouse: Connection) -> None:
    write_pos(inbox / "ПОС_2026-02-10_08-00.xlsx", [{}])
    load()
    announce()
    with pytest.raises(AirflowSkipException):
        announce("incident")
    build_marts(warehouse, "failed")
    announce()
    build_marts(warehouse)
    with pytest.raises(AirflowSkipException):
        announce()
    write_pos(inbox / "ПОС_2026-02-11_08-00.xlsx", [{}])
    load()
    announce()


def test_an_empty_inbox_is_no_news(inbox: Path) -> None:
    load()
    with pytest.raises(AirflowSkipException):
        announce()
    check_refusals()


def test_the_run_that_refused_a_file_says_so_and_no_other(inbox: Path) -> None:
    (inbox / "плохая.xlsx").write_text("не книга")
    write_incidents(inbox / "без ключа.xlsx", [{}], drop=["im_id"])
    load("pos")
    load("incident", dag_id="extract_incidents")
    with pytest.raises(AirflowFailException, match=r"плохая\.xlsx: не открывается как книга Excel") as refusal:
        check_refusals()
    assert "без ключа" not in str(refusal.value)
    with pytest.raises(AirflowFailException, match=r"без ключа\.xlsx: .*«ID»") as refusal:
        check_refusals(dag_id="extract_incidents")
    assert "плохая" not in str(refusal.value)
    load(run_id="scheduled__2")
    check_refusals(run_id="scheduled__2")


def test_a_missing_inbox_is_tried_again(inbox: Path) -> None:
    inbox.rmdir()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load()


def test_what_broke_fails_the_task_after_the_others_are_in(
    inbox: Path, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pos(inbox / "ПОС_2026-02-10_08-00.xlsx", [{"pos_number": "1"}])
    write_pos(inbox / "ПОС_2026-02-11_08-00.xlsx", [{"pos_number": "2"}])

    def break_the_first(connection: Any, source: str, load_id: int, *rest: Any) -> int:
        if load_id == 1:
            raise ArithmeticError("a bug")
        return create(connection, source, load_id, *rest)

    from mcu.landing import stage

    create = stage.create
    monkeypatch.setattr(stage, "create", break_the_first)
    with pytest.raises(AirflowException, match=r"ПОС_2026-02-10_08-00\.xlsx: a bug") as failure:
        load()
    assert not isinstance(failure.value, AirflowFailException), "it may be retried"
    announce()
    with warehouse.cursor() as cursor:
        cursor.execute("select source_key from raw.pos_message")
        assert cursor.fetchall() == [("2",)]


def test_the_operators_do_not_import_the_slow_library() -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "plugins")}
    program = "import sys, mcu.operators.load_exports; sys.exit('great_expectations' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
