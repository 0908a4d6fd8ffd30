"""What a folder holds, whatever its names. Other stores: tests/integration/landing/test_inbox_stores.py."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from mcu.landing.store import NAMES_IN_LOG, Store, printable


def store(folder: Path) -> Store:
    return Store(LocalFileSystem(), str(folder), "here")


def put(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def uris(folder: Path) -> list[str]:
    return [entry.uri for entry in store(folder).workbooks()]


def test_workbooks_at_any_depth(tmp_path: Path) -> None:
    for name in ("z/ПОС.xlsx", "a/b/ПОС.XLSX", "ПОС.xlsx"):
        put(tmp_path / name)
    assert uris(tmp_path) == ["a/b/ПОС.XLSX", "z/ПОС.xlsx", "ПОС.xlsx"]


def test_what_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    others = ("ПОС.xls", "ПОС.xlsx.part", "ПОС.xlsx.filepart", "a.tmp")
    for name in ("~$ПОС.xlsx", ".ПОС.xlsx", ".trash/ПОС.xlsx", *others):
        put(tmp_path / name)
    (tmp_path / "folder.xlsx").mkdir()
    os.mkfifo(tmp_path / "pipe.xlsx")
    with caplog.at_level(logging.INFO):
        assert uris(tmp_path) == []
    for name in (*others, "pipe.xlsx"):
        assert f": {name}\n" in caplog.text
    assert "~$" not in caplog.text


def test_a_log_does_not_list_thousands(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(NAMES_IN_LOG + 5):
        put(tmp_path / f"{number}.pdf")
    with caplog.at_level(logging.INFO):
        store(tmp_path).workbooks()
    assert len(caplog.records) == NAMES_IN_LOG + 1
    assert "and 5 more" in caplog.text


def test_links_are_passed_over_whereever_they_lead(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = put(tmp_path / "elsewhere" / "secret.xlsx")
    inbox = tmp_path / "inbox"
    put(inbox / "a.xlsx")
    (inbox / "out.xlsx").symlink_to(secret)
    (inbox / "folder").symlink_to(secret.parent)
    (inbox / "loop").symlink_to(inbox)
    (inbox / "gone.xlsx").symlink_to(tmp_path / "nowhere.xlsx")
    with caplog.at_level(logging.INFO):
        assert uris(inbox) == ["a.xlsx"]
    assert ": out.xlsx\n" in caplog.text


def test_the_inbox_itself_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real" / "a.xlsx")
    (tmp_path / "inbox").symlink_to(tmp_path / "real")
    assert uris((tmp_path / "inbox").resolve()) == ["a.xlsx"]


HOSTILE = {
    'it\'s "quoted" %s {{ ds }} $(id).xlsx': 'it\'s "quoted" %s {{ ds }} $(id).xlsx',
    "a\nb\r\t.xlsx": r"a\nb\r\t.xlsx",
    "a\\nb.xlsx": r"a\\nb.xlsx",
    "..xlsx.xlsx": None,
    "‮xslx.txt.xlsx": r"\u202exslx.txt.xlsx",
    "\x00".join(["nul"]) + "\x1b[31m.xlsx": r"nul\x1b[31m.xlsx",
    "я" * 120 + ".xlsx": "я" * 120 + ".xlsx",
    "[1]*?.xlsx": "[1]*?.xlsx",
    "🙂.xlsx": "🙂.xlsx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_on_one_line(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name)
    assert uris(tmp_path) == [HOSTILE[name]] * bool(HOSTILE[name])
    for entry in store(tmp_path).workbooks():
        assert store(tmp_path).fetch(entry, tmp_path / "unused") == path
        assert store(tmp_path).is_as_listed(entry)


def test_a_name_of_broken_bytes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xcf\xce\xd1 \xff.xlsx"))
    path.write_text("x")
    (entry,) = store(tmp_path).workbooks()
    assert entry.uri == r"\udccf\udcce\udcd1 \udcff.xlsx"
    assert entry.uri.encode()
    assert store(tmp_path).fetch(entry, tmp_path) == path


def test_different_names_stay_different() -> None:
    assert len({printable(name) for name in ("a\nb", "a\\nb", r"a\\nb", "a\udcffb", r"a\udcffb")}) == 5


def test_a_change_shows(tmp_path: Path) -> None:
    path = put(tmp_path / "a.xlsx", "old")
    (entry,) = store(tmp_path).workbooks()
    assert store(tmp_path).is_as_listed(entry)
    before = path.stat()
    path.write_text("new")  # as long as before, and put back in time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not store(tmp_path).is_as_listed(entry)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        store(tmp_path).is_as_listed(entry)


def test_no_inbox(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"The inbox here does not exist\. Create it or set MCU_INBOX\."):
        store(tmp_path / "nowhere").workbooks()
    assert store(tmp_path).workbooks() == []
    with pytest.raises(NotADirectoryError, match="The inbox here is a file"):
        store(put(tmp_path / "a.xlsx")).workbooks()


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.xlsx")
    put(tmp_path / "2026" / "closed" / "b.xlsx")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = store(tmp_path)
    assert [entry.uri for entry in found.workbooks()] == ["a.xlsx"]
    assert found.unlisted.keys() == {"2026/closed"}


def test_a_saved_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFileSystem, "mv", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        store(tmp_path).save("mail/1/a.xlsx", b"content")
    assert uris(tmp_path) == []
    monkeypatch.undo()
    assert store(tmp_path).save("mail/1/a.xlsx", b"content")
    assert not store(tmp_path).save("mail/1/a.xlsx", b"content")
    assert [path.name for path in (tmp_path / "mail" / "1").iterdir()] == ["a.xlsx"]
    assert (tmp_path / "mail" / "1" / "a.xlsx").read_bytes() == b"content"
