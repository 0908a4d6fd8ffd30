"""Which process is the server of a cluster."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from stack.paths import StackError
from stack.postgres import Cluster, is_server_of

DATA = Path("/srv/a clone/postgres/data")


def test_the_server_is_known_by_its_folder() -> None:
    assert is_server_of(["/usr/lib/postgresql/15/bin/postgres", "-D", str(DATA), "-c", "port=1"], DATA)


@pytest.mark.parametrize(
    "arguments",
    [
        [],  # a dead process that nobody has waited for
        ["postgres", "-D", "/srv/other/data"],
        ["postgres", "-D", f"{DATA}.new"],
        ["postgres", "-D"],
        ["less", str(DATA)],
    ],
)
def test_another_process_is_not(arguments: list[str]) -> None:
    assert not is_server_of(arguments, DATA)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A cluster whose pid file names this test's own process."""
    cluster = Cluster(tmp_path / "postgres", tmp_path / "secrets")
    cluster.data.mkdir(parents=True)
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")
    return cluster


def test_a_pid_that_another_program_got_is_no_server(cluster: Cluster) -> None:
    assert cluster.pid() is None


@pytest.mark.parametrize("text", ["", "\n", "-5\n"])
def test_a_pid_file_without_a_pid_is_no_server(cluster: Cluster, text: str) -> None:
    (cluster.data / "postmaster.pid").write_text(text)

    assert cluster.pid() is None


def test_a_process_of_another_user_is_no_server(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: ["postgres", "-D", str(cluster.data)])
    assert cluster.pid() == os.getpid()

    uids = psutil.Process().uids()
    monkeypatch.setattr(psutil.Process, "uids", lambda _: uids._replace(real=uids.real + 1))
    assert cluster.pid() is None


def test_a_process_that_is_hidden_is_not_taken_for_gone(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: psutil.Process) -> list[str]:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "cmdline", refuse)

    with pytest.raises(StackError, match="may be the server"):
        cluster.pid()
