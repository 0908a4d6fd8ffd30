"""A folder of old exports: what a dry run says, and that loading it can be broken off and gone on with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from airflow.sdk.exceptions import AirflowException
from psycopg2.extensions import connection as Connection

from mcu.landing import load
from mcu.landing import publish as publish_module
from mcu.landing.inbox import Inbox
from mcu.landing.plan import plan
from mcu.operators.load_exports import BackfillExportsOperator
from mcu.settings import Settings
from mcu.sources.workbook import Export, open_export
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres


@pytest.fixture
def archive(tmp_path: Path, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten days of ПОС, two of «Инцидент», a file of neither; the inbox itself is empty."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)
    monkeypatch.setenv("MCU_INBOX", str(tmp_path / "inbox"))
    monkeypatch.setenv("MCU_STATE", str(tmp_path / "state"))
    folder = tmp_path / "archive"
    for day in range(10, 20):
        write_pos(folder / f"2026/ПОС_2026-02-{day}_08-00.xlsx", [{"pos_number": str(day)}, {"pos_number": "1"}])
    for day in (11, 12):
        write_incidents(folder / f"ИМ_2026-02-{day}_08-00.xlsx", [{"im_id": day}])
    (folder / "письмо.xlsx").write_text("не книга")
    return folder


def run(folder: Path, source: str = "pos", *, dry_run: bool = False) -> None:
    context: Any = {
        "run_id": "manual__1",
        "dag_run": SimpleNamespace(dag_id="backfill_exports"),
        "params": {"folder": str(folder), "dry_run": dry_run},
    }
    BackfillExportsOperator(task_id="load", source=source).execute(context)


def loads(connection: Connection) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select uri, status from ops.load order by load_id")
        return cursor.fetchall()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    archive: Path, warehouse: Connection, warehouse_dsn: str
) -> None:
    settings = Settings.from_env({"MCU_INBOX": str(archive)})
    for source, count in (("pos", 10), ("incident", 2)):
        planned = plan(warehouse_dsn, source, Inbox.local(settings))
        assert len(planned.loads) == count
        assert list(planned.loads.values()) == sorted(planned.loads.values()), "oldest first"
        assert list(planned.refusals) == ["письмо.xlsx"]
        assert not planned.unreadable
        assert not planned.waiting
    run(archive, dry_run=True)
    assert loads(warehouse) == []

    run(archive)
    planned = plan(warehouse_dsn, "pos", Inbox.local(settings))
    assert (planned.loads, planned.refusals) == ({}, {}), "all of it is done"


def test_broken_off_it_goes_on_where_it_was(
    archive: Path, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = publish_module.publish
    published = iter(range(100))

    def lose_the_warehouse(cursor: Any, *rest: Any) -> Any:
        if next(published) == 4:
            cursor.connection.close()
        return publish(cursor, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(load, "publish", lose_the_warehouse)
        with pytest.raises(psycopg2.OperationalError):
            run(archive)
    assert [status for _, status in loads(warehouse)].count("published") == 4

    opened: list[str] = []

    def note(path: Path, uri: str) -> Export:
        opened.append(uri)
        return open_export(path, uri)

    with monkeypatch.context() as patch:
        patch.setattr(load, "open_export", note)
        run(archive)
    done = [uri for uri, status in loads(warehouse) if status == "published"]
    assert done == [f"2026/ПОС_2026-02-{day}_08-00.xlsx" for day in range(10, 20)]
    assert not set(opened) & set(done[:4]), "what is loaded is not read again"

    run(archive, "incident")
    assert [uri for uri, status in loads(warehouse) if status == "published"][10:] == [
        f"ИМ_2026-02-{day}_08-00.xlsx" for day in (11, 12)
    ]
    assert [uri for uri, status in loads(warehouse) if status == "refused"] == ["письмо.xlsx"]


def test_a_folder_that_is_not_there(archive: Path) -> None:
    with pytest.raises((AirflowException, FileNotFoundError), match="нет-такой"):
        run(archive / "нет-такой")


def test_a_run_of_any_length_keeps_few_results_of_its_checks(
    archive: Path, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcu.quality.gate.KEPT_RESULTS", 3)
    loader = load.Loader(warehouse_dsn, "pos", Settings.from_env({"MCU_INBOX": str(archive)}), "a run")
    loader.run()
    assert loader._gate
    assert [result.suite_name for result in loader._gate.results] == ["load"] * 3 + ["pos"] * 3
