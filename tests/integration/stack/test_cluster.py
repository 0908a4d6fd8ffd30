"""The private PostgreSQL cluster. As root these run below a folder that only root may enter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from stack.paths import REPOSITORY, StackError
from stack.ports import free_port
from stack.postgres import Cluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    tmp_path.chmod(0o700)
    cluster = Cluster(tmp_path / "postgres", tmp_path / "secrets", durable=False)
    yield cluster
    cluster.stop()


def kill(cluster: Cluster) -> None:
    pid = cluster.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while cluster.pid():
        time.sleep(0.05)


def test_a_killed_server_starts_again_with_its_data(cluster: Cluster) -> None:
    cluster.start(free_port())
    cluster.ensure_database("kept")
    kill(cluster)

    cluster.start(free_port())

    psycopg2.connect(cluster.dsn("kept")).close()


def test_a_half_made_cluster_is_made_anew(cluster: Cluster) -> None:
    (cluster.folder / "data.new" / "base").mkdir(parents=True)

    cluster.start(free_port())

    assert cluster.pid()
    assert not (cluster.folder / "data.new").exists()


def test_starting_what_runs_changes_nothing(cluster: Cluster) -> None:
    cluster.start(free_port())
    before = cluster.pid(), cluster.port()

    cluster.start(free_port())

    assert (cluster.pid(), cluster.port()) == before


def test_without_the_password_nobody_comes_in(cluster: Cluster) -> None:
    cluster.start(free_port())

    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(host="127.0.0.1", port=cluster.port(), user="postgres", dbname="postgres", password="guess")


def test_a_stopped_cluster_has_no_port(cluster: Cluster) -> None:
    cluster.start(free_port())
    cluster.stop()

    with pytest.raises(StackError, match="make run"):
        cluster.port()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.start(free_port())
    cluster.stop()
    (cluster.data / "global" / "pg_control").unlink()
    monkeypatch.setattr("stack.postgres.START_ATTEMPTS", 1)

    with pytest.raises(StackError, match="pg_control"):
        cluster.start(free_port())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up a capability, and only root's server is another's")
def test_root_that_may_not_trace_processes_finds_and_stops_its_server(cluster: Cluster) -> None:
    def without_ptrace(statement: str) -> str:
        program = (
            "from pathlib import Path; from stack.postgres import Cluster; "
            f"cluster = Cluster(Path({str(cluster.folder)!r}), Path({str(cluster.secrets_folder)!r}), durable=False); "
            f"{statement}"
        )
        command = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", sys.executable, "-c", program]
        return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.strip()

    first, second = free_port(), free_port()
    without_ptrace(f"cluster.start({first})")
    pid = cluster.pid()
    assert pid
    assert without_ptrace("print(cluster.pid())") == str(pid)

    without_ptrace(f"cluster.start({second})")
    assert (cluster.pid(), cluster.port()) == (pid, first)

    without_ptrace("cluster.stop()")
    assert cluster.pid() is None
