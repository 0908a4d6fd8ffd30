"""Which files of a folder have something new to say, with what the warehouse remembers of them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing import inbox as inbox_module
from mcu.landing import memory, rules
from mcu.landing.inbox import Inbox, InboxFile, note_source
from mcu.landing.store import Store
from mcu.settings import Settings
from tests.workbooks import write_pos

pytestmark = pytest.mark.postgres

HOUR = 3600
MOSCOW = ZoneInfo("Europe/Moscow")
CREATED = dt.datetime(2026, 2, 9)  # always: the same rows are the same bytes


class House:
    """A folder of exports and runs over it. `reads`: the files that were opened since one last looked."""

    def __init__(self, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = connection
        self.folder = folder / "inbox"
        self.folder.mkdir()
        self.settings = Settings.from_env({"MCU_INBOX": str(self.folder), "MCU_STATE": str(folder / "state")})
        self.inbox = Inbox.local(self.settings)
        self.reads: list[str] = []
        fetch = Store.fetch

        def note(store: Store, entry: Any, into: Path) -> Path:
            self.reads.append(entry.uri)
            return fetch(store, entry, into)

        monkeypatch.setattr(Store, "fetch", note)

    def put(self, name: str, *, hours_ago: float = 1, content: bytes | None = None) -> Path:
        """An export that lies there for some time."""
        path = self.folder / name
        if content is None:
            write_pos(path, [{"pos_number": name}], created=CREATED)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        os.utime(path, (time.time() - hours_ago * HOUR,) * 2)
        return path

    def new(self, source: str = "pos", then: Callable[[InboxFile], None] = lambda _: None) -> list[str]:
        """The uris that a run is given; it does `then` with each file."""
        self.reads.clear()
        found = []
        for file in self.inbox.new_files(self.connection, source):
            found.append(file.uri)
            then(file)
        return found

    def settle(self, file: InboxFile, status: str = "published", source: str = "pos") -> None:
        note_source(self.connection, file, source)
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status, rules) "
                "values (%s, %s, %s, %s, %s, %s, %s)",
                (source, file.uri, file.sha256, *file.exported_at, status, rules.digest(source)),
            )


@pytest.fixture
def house(warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(warehouse, tmp_path, monkeypatch)


def test_oldest_export_first_wherever_it_lies(house: House) -> None:
    for name in ("z/ПОС_2026-02-01_08-00.xlsx", "a/ПОС_2026-02-03_08-00.XLSX", "ПОС_2026-02-02.xlsx"):
        house.put(name)
    house.put("без даты.xlsx", hours_ago=24 * 365 * 20)
    expected = ["без даты.xlsx", "z/ПОС_2026-02-01_08-00.xlsx", "ПОС_2026-02-02.xlsx", "a/ПОС_2026-02-03_08-00.XLSX"]
    assert house.new() == expected
    assert sorted(house.new()) == sorted(expected), "remembered, but nothing came of them yet"


def test_a_file_tells_what_it_is(house: House) -> None:
    path = house.put("ПОС_2026-02-01_08-00.xlsx")
    (file,) = house.inbox.new_files(house.connection, "pos")
    assert (file.path, file.inbox, file.size) == (path, str(house.folder), path.stat().st_size)
    assert file.exported_at == (dt.datetime(2026, 2, 1, 8, tzinfo=MOSCOW), "file_name")


@pytest.mark.parametrize("status", ["published", "refused"])
def test_an_old_file_is_not_opened(house: House, status: str) -> None:
    house.put("a.xlsx")
    house.put("b.xlsx")
    assert house.new(then=lambda file: house.settle(file, status)) == ["a.xlsx", "b.xlsx"]
    assert (house.new(), house.reads) == ([], [])
    house.put("a.xlsx", hours_ago=2)
    assert (house.new(), house.reads) == ([], ["a.xlsx"]), "another time, the same content"
    house.put("b.xlsx", content=b"other")
    assert house.new() == ["b.xlsx"]


def test_what_failed_is_tried_again(house: House) -> None:
    house.put("a.xlsx")
    assert house.new(then=lambda file: house.settle(file, "failed")) == ["a.xlsx"]
    assert house.new() == ["a.xlsx"]


def test_a_file_of_the_other_source_is_opened_once(house: House) -> None:
    house.put("a.xlsx")
    assert house.new("incident", then=lambda file: note_source(house.connection, file, "pos")) == ["a.xlsx"]
    assert (house.new("incident"), house.reads) == ([], [])
    assert house.new("pos") == ["a.xlsx"]


def test_a_file_that_turned_into_one_of_another_source(house: House) -> None:
    house.put("a.xlsx")
    house.new(then=lambda file: house.settle(file))
    house.put("a.xlsx", content=b"now of the other system")
    assert house.new("incident") == ["a.xlsx"]


def test_what_no_headers_told_is_for_either(house: House) -> None:
    house.put("a.xlsx", content=b"no workbook")
    house.new(then=lambda file: note_source(house.connection, file, "unknown"))
    assert house.new("incident") == ["a.xlsx"]
    house.new(then=lambda file: house.settle(file, "refused", "unknown"))
    assert house.new("incident") == house.new("pos") == []


def test_a_changed_rule_gives_a_refused_file_another_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put("a.xlsx")
    house.put("b.xlsx")
    house.new(then=lambda file: house.settle(file, "refused" if file.uri == "a.xlsx" else "published"))
    assert house.new() == []
    monkeypatch.setattr(rules, "digest", lambda source: f"{source}, one more line in its column map")
    assert (house.new(), house.reads) == (["a.xlsx"], ["a.xlsx"])


def test_a_renamed_copy_says_nothing_new(house: House) -> None:
    path = house.put("ПОС_2026-02-01_08-00.xlsx")
    house.new(then=house.settle)
    for copy in ("копия ПОС_2026-02-01_08-00.xlsx", "архив/ПОС_2026-02-01_08-00 (1).xlsx"):
        (house.folder / copy).parent.mkdir(exist_ok=True)
        shutil.copy2(path, house.folder / copy)
    assert (house.new(), len(house.reads)) == ([], 2)
    assert (house.new(), house.reads) == ([], [])
    shutil.copy2(path, house.folder / "ПОС_2026-02-02_08-00.xlsx")
    assert house.new() == ["ПОС_2026-02-02_08-00.xlsx"], "the same content as of another moment"


def test_copies_that_arrive_together_are_given_once(house: House) -> None:
    path = house.put("ПОС_2026-02-01_08-00.xlsx")
    shutil.copy2(path, house.folder / "я ПОС_2026-02-01_08-00.xlsx")
    assert house.new(then=house.settle) == ["ПОС_2026-02-01_08-00.xlsx"]


def test_what_tells_of_no_moment_but_its_copying_is_known_by_content(house: House) -> None:
    path = house.put("a.xlsx", content=b"no properties")
    house.new(then=house.settle)
    shutil.copy(path, house.folder / "b.xlsx")
    assert house.new() == []


def test_a_file_that_cannot_be_read_hides_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put("a.xlsx")
    house.put("b.xlsx")
    fetch = Store.fetch

    def refuse_one(store: Store, entry: Any, into: Path) -> Path:
        if entry.uri == "a.xlsx":
            raise PermissionError("not yours")
        return fetch(store, entry, into)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "fetch", refuse_one)
        assert house.new() == ["b.xlsx"]
    assert house.inbox.unreadable == {"a.xlsx": "not yours"}
    assert sorted(house.new()) == ["a.xlsx", "b.xlsx"]
    assert house.inbox.unreadable == {}


def test_a_file_that_is_gone_when_its_turn_comes(house: House) -> None:
    house.put("ПОС_2026-02-01_08-00.xlsx")
    later = house.put("ПОС_2026-02-02_08-00.xlsx")
    assert house.new(then=lambda _: later.unlink(missing_ok=True)) == ["ПОС_2026-02-01_08-00.xlsx"]
    assert (house.inbox.unreadable, house.inbox.waiting) == ({}, {})


def test_hostile_names_are_remembered(house: House) -> None:
    for name in ("it's.xlsx", "a\nb%s.xlsx", "‮a.xlsx", "я" * 120 + ".xlsx"):
        house.put(name)
    shutil.copy2(house.folder / "it's.xlsx", house.folder / os.fsdecode(b"\xff.xlsx"))
    assert len(house.new(then=house.settle)) == 4, "one is a copy"
    assert (house.new(), house.reads) == ([], [])
    assert len(memory.remembered(house.connection, str(house.folder))) == 5


# Files that are still being written


def test_a_file_that_grows_between_two_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = house.put("a.xlsx", hours_ago=0)
    house.put("b.xlsx", hours_ago=0)

    def write_on(seconds: float) -> None:
        with growing.open("ab") as file:
            file.write(b"more")

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", write_on)
        assert house.new() == ["b.xlsx"]
    assert house.inbox.waiting.keys() == {"a.xlsx"}
    assert sorted(house.new()) == ["a.xlsx", "b.xlsx"]
    assert house.inbox.waiting == {}


def test_one_pause_for_all_young_files_and_none_for_old_ones(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(inbox_module, "PAUSE_SECONDS", 2)
    for number in range(5):
        house.put(f"{number}.xlsx", hours_ago=0)
    assert len(house.new(then=house.settle)) == 5
    assert pauses == [2]
    house.new()
    house.put("old.xlsx")
    assert house.new() == ["old.xlsx"]
    assert pauses == [2]


def test_a_file_that_changes_while_it_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = house.put("a.xlsx")
    fetch = Store.fetch

    def write_on(store: Store, entry: Any, into: Path) -> Path:
        with path.open("ab") as file:
            file.write(b"more")
        return fetch(store, entry, into)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "fetch", write_on)
        assert house.new() == []
    assert house.inbox.waiting.keys() == {"a.xlsx"}
    assert memory.remembered(house.connection, str(house.folder)) == {}
    assert house.new() == ["a.xlsx"]


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_half_written_workbook(house: House, share: float) -> None:
    whole = house.put("whole.xlsx").read_bytes()
    half = house.put("half.xlsx", content=whole[: int(len(whole) * share)], hours_ago=0.1)
    assert house.new(then=house.settle) == ["whole.xlsx"]
    assert house.inbox.waiting.keys() == {"half.xlsx"}
    os.utime(half, (time.time() - HOUR,) * 2)
    assert house.new() == ["half.xlsx"], "nobody writes it any more: it goes on, to be refused"
    assert house.inbox.waiting == {}


def test_room_made_in_advance_is_no_workbook_yet(house: House) -> None:
    house.put("a.xlsx", content=bytes(100_000), hours_ago=0.1)
    assert (house.new(), list(house.inbox.waiting)) == ([], ["a.xlsx"])


def test_what_is_no_workbook_at_all_need_not_wait(house: House) -> None:
    house.put("a.xlsx", content=b"<html>", hours_ago=0)
    assert house.new() == ["a.xlsx"]


def test_a_workbook_may_have_a_comment_behind_its_end(house: House) -> None:
    with zipfile.ZipFile(house.put("a.xlsx"), "a") as archive:
        archive.comment = b"x" * 65_535
    assert house.new() == ["a.xlsx"]


# Ten thousand old files


class CountingConnection:
    """A connection that counts the statements of its cursors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements = 0

    def __enter__(self) -> Connection:
        return self._connection.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)

    def cursor(self) -> Any:
        self.statements += 1
        return self._connection.cursor()


def test_ten_thousand_old_files_cost_a_listing_and_one_question(house: House) -> None:
    for number in range(10_000):
        folder = house.folder / f"{number % 10}"
        folder.mkdir(exist_ok=True)
        (folder / f"ПОС_{number}.xlsx").write_text(f"{number}")
    entries = Store.workbooks(house.inbox._store)
    with house.connection, house.connection.cursor() as cursor:
        for entry in entries:
            cursor.execute(
                "insert into ops.inbox_file (inbox, uri, size, version, sha256, exported_at, exported_at_from, source) "
                "values (%s, %s, %s, %s, %s, now(), 'modified_time', 'pos')",
                (str(house.folder), entry.uri, entry.size, entry.version, entry.uri),
            )
        cursor.execute(
            "insert into ops.load (source, uri, sha256, exported_at, exported_at_from, status) "
            "select 'pos', uri, sha256, exported_at, exported_at_from, 'published' from ops.inbox_file"
        )
        cursor.execute("analyze ops.load, ops.inbox_file")
    counting: Any = CountingConnection(house.connection)
    started = time.perf_counter()
    assert list(house.inbox.new_files(counting, "pos")) == []
    print(f"10,000 old files: {time.perf_counter() - started:.2f} s")
    assert (house.reads, counting.statements) == ([], 1)
