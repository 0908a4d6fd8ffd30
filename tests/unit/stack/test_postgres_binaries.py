from __future__ import annotations

from pathlib import Path

import pytest

from stack.paths import StackError
from stack.postgres import candidate_folders, find_binaries


def programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_first_version_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    old = programs(tmp_path / "old", "14.11")
    fitting = programs(tmp_path / "fitting", "16.3 (Debian 16.3-1)")
    newest = programs(tmp_path / "newest", "18.6")

    found = find_binaries([tmp_path / "absent", old, fitting, newest])

    assert (found.folder, found.version) == (fitting, 16)


def test_a_cluster_is_only_served_by_the_version_that_made_it(tmp_path: Path) -> None:
    fitting = programs(tmp_path / "fitting", "15.18")
    newest = programs(tmp_path / "newest", "18.6")

    assert find_binaries([newest, fitting], version=15).folder == fitting
    with pytest.raises(StackError, match="PostgreSQL 17, which made this cluster"):
        find_binaries([newest, fitting], version=17)


def test_programs_that_cannot_run_or_are_not_all_there_are_passed_over(tmp_path: Path) -> None:
    foreign = programs(tmp_path / "foreign", "18.6")
    (foreign / "postgres").write_bytes(b"\x7fELF of another machine")
    client_only = programs(tmp_path / "client", "18.6")
    (client_only / "initdb").unlink()

    with pytest.raises(StackError, match="no programs at all"):
        find_binaries([foreign, client_only])


def test_a_chosen_folder_is_the_only_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    assert list(candidate_folders()) == [tmp_path]
