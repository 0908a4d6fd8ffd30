from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from mcu.landing import inbox
from mcu.settings import Settings
from tests.workbooks import write_pos


def settings(folder: Path) -> Settings:
    return Settings.from_env({"MCU_INBOX": str(folder)})


def test_oldest_export_first_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("z/ПОС_2026-02-01_08-00.xlsx", "a/ПОС_2026-02-03_08-00.XLSX", "ПОС_2026-02-02_08-00.xlsx"):
        write_pos(tmp_path / name, [])
    assert [file.uri for file in inbox.scan(settings(tmp_path)).files] == [
        "z/ПОС_2026-02-01_08-00.xlsx",
        "ПОС_2026-02-02_08-00.xlsx",
        "a/ПОС_2026-02-03_08-00.XLSX",
    ]


def test_what_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("~$ПОС.xlsx", ".ПОС.xlsx", ".trash/ПОС.xlsx", "ПОС.xls", "ПОС.csv", "ПОС.xlsx.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.xlsx").mkdir()
    with caplog.at_level(logging.INFO):
        assert inbox.scan(settings(tmp_path)).files == []
    assert {name for name in ("ПОС.xls", "ПОС.csv", "ПОС.xlsx.part") if name in caplog.text} == {
        "ПОС.xls",
        "ПОС.csv",
        "ПОС.xlsx.part",
    }


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    write_pos(tmp_path / "a.xlsx", [])
    os.mkfifo(tmp_path / "pipe.xlsx")
    (tmp_path / "gone.xlsx").symlink_to(tmp_path / "nowhere.xlsx")
    assert [file.uri for file in inbox.scan(settings(tmp_path)).files] == ["a.xlsx"]


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_pos(tmp_path / name, [])
    describe = inbox._describe

    def refuse_one(path: Path, settings: Settings) -> inbox.InboxFile:
        if path.name == "a.xlsx":
            raise PermissionError("not yours")
        return describe(path, settings)

    monkeypatch.setattr(inbox, "_describe", refuse_one)
    found = inbox.scan(settings(tmp_path))
    assert [file.uri for file in found.files] == ["b.xlsx"]
    assert found.unreadable == {"a.xlsx": "not yours"}


def test_no_inbox(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        inbox.scan(settings(tmp_path / "nowhere"))
