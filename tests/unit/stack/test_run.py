from __future__ import annotations

from pathlib import Path

import pytest

from stack.local import LocalStack
from stack.paths import StackError
from stack.run import run
from stack.warehouse import workbooks


def test_a_wrong_setting_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_SOURCES", "pos,incidents")

    with pytest.raises(StackError, match="MCU_SOURCES=pos,incidents: 'incidents'"):
        run(LocalStack(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_lock_files_and_hidden_files_alone_holds_no_exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("~$ПОС.xlsx", ".ПОС.xlsx", "ПОС.xls"):
        (tmp_path / name).write_text("x")
    monkeypatch.setenv("INBOX", str(tmp_path))

    with pytest.raises(StackError, match=r"no \.xlsx file"):
        run(LocalStack(tmp_path))


def test_exports_are_named_relative_to_their_folder(tmp_path: Path) -> None:
    (tmp_path / "март").mkdir()
    for name in ("март/ПОС.XLSX", "а.xlsx", "март/~$ПОС.xlsx"):
        (tmp_path / name).write_text("x")

    assert workbooks(tmp_path) == {"март/ПОС.XLSX", "а.xlsx"}
    assert workbooks(tmp_path / "not made yet") == set()
