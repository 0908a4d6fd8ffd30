"""Exports from a folder, from S3 and from an SFTP server, through Airflow's connections, end as the same rows."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.io import store as airflow_store
from moto.s3.models import s3_backends
from psycopg2.extensions import connection as Connection

from mcu.landing.store import Store
from mcu.operators.inbox import location
from mcu.operators.load_exports import LoadExportsOperator
from mcu.settings import Settings
from tests.servers import LOGIN, PASSWORD, BreakingLine, S3Server, SftpServer, s3_server, sftp_server
from tests.workbooks import write_pos

pytestmark = pytest.mark.postgres

HOUR = 3600
ROWS = [("1", "2026-02-10 08:00"), ("2", "2026-02-10 08:00"), ("2", "2026-02-11 08:00"), ("3", "2026-02-11 08:00")]


class Place:
    """An inbox somewhere. `port`: of its server; `put`: lays a file there, of an hour ago."""

    def __init__(self, kind: str, port: int, connect: Callable[[int], None], put: Callable[[str, bytes], None]) -> None:
        self.kind = kind
        self.port = port
        self.connect = connect
        self.put = put


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_STATE", str(tmp_path / "state"))
    airflow_store._STORE_CACHE.clear()  # a task begins with an empty one


@pytest.fixture
def warehouse(warehouse: Connection, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)
    return warehouse


@pytest.fixture(scope="module")
def s3_of_all_tests() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_of_all_tests: S3Server) -> S3Server:
    s3_of_all_tests.reset()
    return s3_of_all_tests


def connect_s3(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    extra = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "us-east-1",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    connection = {"conn_type": "aws", "login": LOGIN, "password": PASSWORD, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_EXPORTS_S3", json.dumps(connection))
    monkeypatch.setenv("MCU_INBOX", "s3://exports_s3@exports/входящие")


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "served" / "входящие").mkdir(parents=True)
    with sftp_server(tmp_path / "served") as server:
        yield server


def connect_sftp(monkeypatch: pytest.MonkeyPatch, port: int, extra: dict[str, str]) -> None:
    connection = {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": LOGIN, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_EXPORTS_SFTP", json.dumps({**connection, "extra": extra}))
    monkeypatch.setenv("MCU_INBOX", "sftp://exports_sftp@/входящие")


def lay(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - HOUR,) * 2)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    kind: str = request.param
    if kind == "folder":
        monkeypatch.setenv("MCU_INBOX", str(tmp_path / "inbox"))
        return Place(kind, 0, lambda _: None, lambda name, content: lay(tmp_path / "inbox", name, content))
    if kind == "s3":
        s3: S3Server = request.getfixturevalue("s3")
        port = int(s3.endpoint.rpartition(":")[2])
        connect_s3(monkeypatch, port)
        return Place(
            kind,
            port,
            lambda new_port: connect_s3(monkeypatch, new_port),
            lambda name, content: s3.put(f"входящие/{name}", content),
        )
    sftp: SftpServer = request.getfixturevalue("sftp")
    extra = {"host_key": sftp.host_key}
    connect_sftp(monkeypatch, sftp.port, extra)
    return Place(
        kind,
        sftp.port,
        lambda new_port: connect_sftp(monkeypatch, new_port, extra),
        lambda name, content: lay(tmp_path / "served" / "входящие", name, content),
    )


def export(folder: Path, *numbers: str, rating: str = "-") -> bytes:
    return write_pos(folder / "export.xlsx", [{"pos_number": n, "rating": rating} for n in numbers]).read_bytes()


def load() -> None:
    """One task of the extract DAG."""
    airflow_store._STORE_CACHE.clear()
    run: Any = {"run_id": f"run {time.monotonic()}", "dag_run": SimpleNamespace(dag_id="extract_appeals")}
    LoadExportsOperator(task_id="load_exports", source="pos").execute(run)


def look() -> list[str]:
    """The inbox as it is set."""
    return [entry.uri for entry in Store(*location(Settings.from_env())).workbooks()]


def ask(warehouse: Connection, statement: str) -> list[tuple[Any, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def rows(warehouse: Connection) -> list[tuple[Any, ...]]:
    return ask(
        warehouse,
        "select source_key, to_char(exported_at at time zone 'Europe/Moscow', 'YYYY-MM-DD HH24:MI') "
        "from raw.pos_message order by 2, 1",
    )


@pytest.mark.parametrize("place", ["folder", "s3", "sftp"], indirect=True)
def test_the_same_exports_from_wherever_give_the_same_rows(place: Place, warehouse: Connection, tmp_path: Path) -> None:
    place.put("ПОС_2026-02-11_08-00.xlsx", export(tmp_path, "2", "3", rating="5"))
    place.put("город's 100%/ПОС_2026-02-10_08-00.xlsx", export(tmp_path, "1", "2"))
    place.put("копии/ПОС [1]_2026-02-10_08-00.xlsx", export(tmp_path, "1", "2"))
    place.put("чужое.pdf", b"%PDF")
    load()
    assert rows(warehouse) == ROWS
    loads = "select uri, status, rows_read from ops.load order by load_id"
    expected = [
        ("город's 100%/ПОС_2026-02-10_08-00.xlsx", "published", 2),
        ("ПОС_2026-02-11_08-00.xlsx", "published", 2),
    ]
    assert ask(warehouse, loads) == expected
    load()
    assert ask(warehouse, loads) == expected
    assert not (tmp_path / "state" / "fetched" / "pos").exists()


@pytest.mark.parametrize("place", ["s3", "sftp"], indirect=True)
def test_a_line_that_breaks_in_the_middle_of_a_file(
    place: Place, warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [{"pos_number": f"{number}", "fact": os.urandom(300).hex()} for number in range(1, 1001)]
    big = write_pos(tmp_path / "export.xlsx", texts).read_bytes()
    assert len(big) > 300_000
    place.put("ПОС_2026-02-10_08-00.xlsx", export(tmp_path, "1", "2"))
    place.put("ПОС_2026-02-11_08-00.xlsx", big)
    line = BreakingLine(place.port, after=200_000)
    try:
        place.connect(line.port)
        with pytest.raises(AirflowException, match=r"will be tried again:\nПОС_2026-02-11_08-00.xlsx: "):
            load()
    finally:
        line.close()
    assert ask(warehouse, "select uri, status from ops.load") == [("ПОС_2026-02-10_08-00.xlsx", "published")]
    place.connect(place.port)
    load()
    assert ask(warehouse, "select count(*) from raw.last_seen") == [(1000,)]


@pytest.mark.usefixtures("warehouse")
def test_what_a_killed_run_fetched_does_not_stay(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect_s3(monkeypatch, int(s3.endpoint.rpartition(":")[2]))
    s3.put("входящие/ПОС_2026-02-10_08-00.xlsx", export(tmp_path, "1"))
    left = tmp_path / "state" / "fetched" / "pos" / "export.xlsx"
    lay(left.parent, left.name, b"half")
    load()
    assert not left.exists()


def test_ten_thousand_old_files_in_s3_cost_a_paged_listing(
    s3: S3Server, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_s3(monkeypatch, int(s3.endpoint.rpartition(":")[2]))
    backend = s3_backends["123456789012"]["aws"]
    for number in range(10_000):
        backend.put_object("exports", f"входящие/{number % 10}/ПОС_{number}.xlsx", b"x")
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "insert into ops.inbox_file (inbox, uri, size, version, sha256, exported_at, exported_at_from, source) "
            "select %s, n %% 10 || '/ПОС_' || n || '.xlsx', 1, md5('x'), 'x', now(), 'modified_time', 'pos' "
            "from generate_series(0, 9999) as n",
            ("s3://exports_s3@exports/входящие",),
        )
        cursor.execute(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status) "
            "values ('pos', 'x', 'x', now(), 'modified_time', 'published')"
        )
    s3.requests.clear()
    started = time.perf_counter()
    load()
    print(f"10,000 old files in S3: {time.perf_counter() - started:.2f} s, {len(s3.requests)} requests")
    assert len(s3.requests) == 10
    assert all(request.startswith("GET /exports?list-type=2&") for request in s3.requests)


def test_an_object_that_was_replaced_is_taken_again(
    s3: S3Server, warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_s3(monkeypatch, int(s3.endpoint.rpartition(":")[2]))
    for rating in ("3", "4"):
        s3.put("входящие/ПОС_2026-02-10_08-00.xlsx", export(tmp_path, "1", rating=rating))
        load()
    assert ask(warehouse, "select uri, status from ops.load") == [("ПОС_2026-02-10_08-00.xlsx", "published")] * 2


# What is set wrongly


@pytest.mark.parametrize("url", ["s3://exports_s3@nothing/in", "s3://exports_s3@exports/nothing"])
def test_no_bucket_no_folder_in_it(s3: S3Server, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    connect_s3(monkeypatch, int(s3.endpoint.rpartition(":")[2]))
    monkeypatch.setenv("MCU_INBOX", url)
    with pytest.raises(FileNotFoundError, match=f"The inbox {url} does not exist"):
        look()


def test_no_folder_on_the_sftp_server(sftp: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    connect_sftp(monkeypatch, sftp.port, {"host_key": sftp.host_key})
    monkeypatch.setenv("MCU_INBOX", "sftp://exports_sftp@/nothing")
    with pytest.raises(FileNotFoundError, match="The inbox sftp://exports_sftp@/nothing does not exist"):
        look()


def test_another_server_than_the_known_one(sftp: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    connect_sftp(monkeypatch, sftp.port, {})
    with pytest.raises(ValueError, match='exports_sftp has no "host_key" in its extra'):
        look()
    with sftp_server(tmp_path) as other:
        connect_sftp(monkeypatch, sftp.port, {"host_key": other.host_key})
        with pytest.raises(Exception, match="Host key is not trusted"):
            look()
    connect_sftp(monkeypatch, sftp.port, {"no_host_key_check": "true"})
    assert look() == []


def test_names_on_an_sftp_server_that_are_not_utf8_and_links(
    sftp: SftpServer, tmp_path: Path, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_sftp(monkeypatch, sftp.port, {"host_key": sftp.host_key})
    folder = tmp_path / "served" / "входящие"
    lay(folder, os.fsdecode(b"\xcf\xce\xd1_2026-02-10_08-00.xlsx"), export(tmp_path, "1"))
    shutil.copy(tmp_path / "export.xlsx", tmp_path / "secret.xlsx")
    (folder / "link_2026-02-11_08-00.xlsx").symlink_to(tmp_path / "secret.xlsx")
    load()
    assert ask(warehouse, "select uri from ops.load") == [(r"\udccf\udcce\udcd1_2026-02-10_08-00.xlsx",)]


@pytest.mark.parametrize("url", ["s3://bucket/in", "sftp://user:hunter2@host/in", "ftp://connection@/in"])
def test_a_url_without_a_connection(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MCU_INBOX", url)
    with pytest.raises(ValueError, match="id of an Airflow connection") as raised:
        look()
    assert "hunter2" not in str(raised.value)
