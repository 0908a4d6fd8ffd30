from __future__ import annotations

from pathlib import Path

import pytest

from stack.local import MADE_HERE, LocalStack
from stack.paths import StackError

FOREIGN = ("exports", "venv", "test", "e2e")


def fill(state: Path) -> None:
    for name in (*MADE_HERE, *FOREIGN):
        (state / name).mkdir(parents=True)
        (state / name / "file").write_text("x")


def test_what_the_stack_did_not_make_stays(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "secrets" / "postgres_postgres").write_text("x")

    LocalStack(tmp_path).clean()

    assert {path.name for path in tmp_path.iterdir()} == {*FOREIGN, "notes.txt"}
    assert all((tmp_path / name / "file").exists() for name in FOREIGN)


def test_a_link_goes_and_what_it_points_to_stays(tmp_path: Path) -> None:
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    for folder in (state / "secrets", elsewhere):
        folder.mkdir(parents=True)
    (state / "secrets" / "postgres_postgres").write_text("x")
    (state / "inbox").symlink_to(elsewhere)

    LocalStack(state).clean()

    assert list(state.iterdir()) == []
    assert elsewhere.exists()


def test_a_folder_that_no_stack_was_started_in_loses_nothing(tmp_path: Path) -> None:
    fill(tmp_path)

    with pytest.raises(StackError, match="nothing is removed"):
        LocalStack(tmp_path).clean()

    assert {path.name for path in tmp_path.iterdir()} == {*MADE_HERE, *FOREIGN}


def test_the_whole_local_state_goes_but_the_virtual_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.local.REPOSITORY", tmp_path)
    fill(tmp_path / ".local")

    LocalStack(tmp_path / ".local").clean()

    assert {path.name for path in (tmp_path / ".local").iterdir()} == {"exports", "venv"}
