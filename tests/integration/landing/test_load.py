"""From the inbox to raw: whole runs over workbooks on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

from mcu.landing import load
from mcu.landing import publish as publish_module
from mcu.landing.load import Loader, Summary
from mcu.quality import suites
from mcu.settings import Settings
from mcu.sources.columns import SOURCES
from mcu.sources.workbook import Export, ExportError, RawRow
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres


class Warehouse:
    """An inbox, a warehouse and runs over them."""

    def __init__(self, connection: Connection, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.environment = {"MCU_INBOX": str(self.inbox), "MCU_STATE": str(folder / "state")}
        self._connection = connection
        self._runs = 0

    def load(self, source: str) -> Summary:
        self._runs += 1
        return Loader(self.dsn, source, Settings.from_env(self.environment), f"run {self._runs}").run()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.ask(
            "select uri, status, rows_read, rows_new, rows_changed, rows_unchanged, rows_quarantined "
            "from ops.load order by load_id"
        )

    def warnings(self) -> list[str]:
        found = self.ask("select sentence from ops.validation_result where not is_passed order by result_id")
        return [sentence for (sentence,) in found]

    def check_sums(self) -> None:
        """What the ledger says is what lies there."""
        assert self.ask(
            "select sum(rows_read) - sum(rows_new + rows_changed + rows_unchanged + rows_quarantined) from ops.load"
        ) == [(0,)]
        (stored,) = self.ask("select (select count(*) from raw.pos_message) + (select count(*) from raw.incident)")
        assert self.ask("select sum(rows_new + rows_changed) from ops.load") == [stored]
        assert self.ask("select sum(rows_quarantined) from ops.load") == self.ask("select count(*) from ops.quarantine")
        assert self.ask("select count(*) from pg_tables where schemaname = 'stage'") == [(0,)]


@pytest.fixture
def house(warehouse: Connection, warehouse_dsn: str, tmp_path: Path) -> Warehouse:
    return Warehouse(warehouse, warehouse_dsn, tmp_path)


def numbers(*keys: int, **cells: object) -> list[dict[str, object]]:
    return [{"pos_number": str(key), **cells} for key in keys]


def test_the_same_file_twice_changes_nothing(house: Warehouse) -> None:
    path = write_pos(house.inbox / "ПОС_2026-02-10_08-00.xlsx", numbers(1, 2, 3))
    house.load("pos")
    assert house.ledger() == [("ПОС_2026-02-10_08-00.xlsx", "published", 3, 3, 0, 0, 0)]
    before = house.ask("select * from raw.pos_message order by source_key")

    house.load("pos")
    path.touch()
    (house.inbox / "копии").mkdir()
    shutil.copy(path, house.inbox / "копии" / "ПОС_2026-02-10_08-00.xlsx")
    house.load("pos")
    assert len(house.ledger()) == 1, "neither a second run nor a copy is a load"
    assert house.ask("select * from raw.pos_message order by source_key") == before

    shutil.copy(path, house.inbox / "ПОС_2026-02-11_08-00.xlsx")
    house.load("pos")
    assert house.ledger()[1:] == [("ПОС_2026-02-11_08-00.xlsx", "published", 3, 0, 0, 3, 0)]
    assert house.ask("select * from raw.pos_message order by source_key") == before
    house.check_sums()


def test_a_cumulative_file_stores_only_the_changes(house: Warehouse) -> None:
    write_pos(house.inbox / "ПОС_2026-02-10_08-00.xlsx", numbers(1, 2, 3))
    write_pos(house.inbox / "ПОС_2026-02-11_08-00.xlsx", [*numbers(2, 4), *numbers(3, rating=5)])
    house.load("pos")
    assert [row[2:] for row in house.ledger()] == [(3, 3, 0, 0, 0), (3, 1, 1, 1, 0)]
    assert house.ask(
        "select source_key, (exported_at at time zone 'Europe/Moscow')::text, rating, row_number, load_id "
        "from raw.pos_message order by source_key, exported_at"
    ) == [
        ("1", "2026-02-10 08:00:00", None, 2, 1),
        ("2", "2026-02-10 08:00:00", None, 3, 1),
        ("3", "2026-02-10 08:00:00", None, 4, 1),
        ("3", "2026-02-11 08:00:00", "5", 4, 2),
        ("4", "2026-02-11 08:00:00", None, 3, 2),
    ]
    assert house.ask(
        "select source_key, (last_seen_exported_at at time zone 'Europe/Moscow')::date::text "
        "from raw.last_seen order by source_key"
    ) == [("1", "2026-02-10"), ("2", "2026-02-11"), ("3", "2026-02-11"), ("4", "2026-02-11")]
    house.check_sums()


def test_each_source_takes_its_own_files(house: Warehouse) -> None:
    write_pos(house.inbox / "a" / "выгрузка.xlsx", numbers(1))
    write_incidents(house.inbox / "b" / "выгрузка.xlsx", [{"im_id": 5}, {"im_id": 6, "cabinet": "Азов"}])
    assert list(house.load("pos").published) == ["a/выгрузка.xlsx"]
    assert list(house.load("incident").published) == ["b/выгрузка.xlsx"]
    assert house.ask("select source, exported_at_from from ops.load") == [("pos", "document"), ("incident", "document")]
    assert house.ask("select cabinet, rows_read from ops.load_cabinet order by cabinet") == [
        ("Азов", 1),
        ("Ростовская область", 1),
    ]
    house.check_sums()


def test_bad_rows_go_to_quarantine_and_the_others_on(house: Warehouse) -> None:
    late = {"created_at": "2026-02-11 00:00:00", "first_answer_at": None, "closed_at": None}
    write_incidents(
        house.inbox / "Инцидент_2026-02-10_08-00.xlsx",
        [
            {"im_id": 1},
            {"im_id": None},
            {"im_id": 3, "created_at": None},
            {"im_id": 4, "created_at": "32.01.2026 10:00:00", "Новый": "да"},
            {"im_id": 5, "first_answer_at": "2026-02-02 09:00:00"},
            {"im_id": 6, **late},
            {"im_id": 7, "tags": "а"},
            {"im_id": 7, "tags": "б"},
            {"im_id": 8},
            {"im_id": 8},
            {"im_id": 9, "closing_reason": 9},
        ],
        extra=["Новый"],
    )
    house.load("incident")
    assert [row[2:] for row in house.ledger()] == [(11, 3, 0, 1, 7)]
    assert house.ask("select source_key from raw.incident order by source_key") == [("1",), ("8",), ("9",)]
    twice = "ID 7 стоит в файле несколько раз с разным содержанием"
    assert house.ask("select row_number, source_key, reasons from ops.quarantine order by row_number") == [
        (3, None, ["Нет ID"]),
        (4, "3", ["Нет даты создания"]),
        (5, "4", ["«Дата создания» не читается: 32.01.2026 10:00:00"]),
        (6, "5", ["Ответ раньше создания: ответ 2026-02-02 09:00:00, создан 2026-02-02 10:00:00"]),
        (7, "6", ["Создан позже, чем выгружено: создан 2026-02-11 00:00:00"]),
        (8, "7", [twice]),
        (9, "7", [twice]),
    ]
    ((payload,),) = house.ask("select payload from ops.quarantine where row_number = 5")
    assert payload["created_at"] == "32.01.2026 10:00:00"
    assert payload["municipality"] == "Азов г.о."
    assert payload["extra"] == {"Новый": "да"}
    assert "created_at_parsed" not in payload
    assert house.ask(
        "select sentence, severity, dimension, rows_checked, rows_failed from ops.validation_result "
        "where not is_passed and severity = 'warning' and column_name = 'closing_reason'"
    ) == [("Оценка вне 1–5 в «Причине закрытия»: в отчёты не идёт", "warning", "validity", 11, 1)]
    house.check_sums()


def test_more_bad_rows_than_the_library_shows(house: Warehouse) -> None:
    write_pos(house.inbox / "ПОС_2026-02-10_08-00.xlsx", numbers(*range(100), received_date="скоро"))
    house.load("pos")
    assert [row[2:] for row in house.ledger()] == [(100, 0, 0, 0, 100)]
    house.check_sums()


def test_what_cannot_be_taken_is_refused_once_and_stops_no_other(house: Warehouse) -> None:
    write_pos(house.inbox / "1 без номера.xlsx", numbers(1), drop=["pos_number"])
    (house.inbox / "2 не книга.xlsx").write_text("не книга")
    write_pos(house.inbox / "3 хорошая.xlsx", numbers(1))
    write_incidents(house.inbox / "4 чужая без ключа.xlsx", [{}], drop=["im_id"])
    summary = house.load("pos")
    assert set(summary.refused) == {"1 без номера.xlsx", "2 не книга.xlsx"}
    assert set(summary.published) == {"3 хорошая.xlsx"}
    assert house.ask("select uri, source, status, run_id from ops.load order by uri") == [
        ("1 без номера.xlsx", "pos", "refused", "run 1"),
        ("2 не книга.xlsx", "unknown", "refused", "run 1"),
        ("3 хорошая.xlsx", "pos", "published", "run 1"),
    ]
    ((error,),) = house.ask("select error from ops.load where uri = '1 без номера.xlsx'")
    assert "1 без номера.xlsx: на листе «Лист1» нет обязательных столбцов: «Номер»" in error

    assert house.load("pos").refused == {}, "refused once"
    assert set(house.load("incident").refused) == {"4 чужая без ключа.xlsx"}, "what pos refused is known to incident"
    write_pos(house.inbox / "1 без номера.xlsx", numbers(2))
    assert set(house.load("pos").published) == {"1 без номера.xlsx"}, "its content has changed"
    house.check_sums()


def test_two_files_of_one_moment(house: Warehouse) -> None:
    write_pos(house.inbox / "a" / "ПОС_2026-02-10_08-00.xlsx", numbers(1, 2))
    write_pos(house.inbox / "b" / "ПОС_2026-02-10_08-00.xlsx", [*numbers(1), *numbers(2, rating=5)])
    house.load("pos")
    assert house.ask("select source_key, count(*) from raw.pos_message group by source_key order by 1") == [
        ("1", 1),
        ("2", 2),
    ]
    assert house.ask(
        "select load_id, suite, severity, dimension, sentence from ops.validation_result "
        "where expectation = 'one_content_a_moment'"
    ) == [
        (
            2,
            "pos",
            "warning",
            "consistency",
            "Другая выгрузка на тот же момент показывает у 1 сообщений другое содержание (2): взято то, чей хеш больше",
        )
    ]
    house.check_sums()


def test_a_late_file_gives_what_the_timely_one_would_have_given(house: Warehouse) -> None:
    for day, stage in ((10, "Исполнение"), (12, "Исполнение")):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", numbers(1, stage=stage))
    house.load("pos")
    write_pos(house.inbox / "ПОС_2026-02-11_08-00.xlsx", numbers(1, stage="Завершено"))
    house.load("pos")
    assert house.ask(
        "select (exported_at at time zone 'Europe/Moscow')::date::text, stage from raw.pos_message order by exported_at"
    ) == [("2026-02-10", "Исполнение"), ("2026-02-11", "Завершено"), ("2026-02-12", "Исполнение")]
    house.check_sums()


def test_columns_that_come_and_go(house: Warehouse) -> None:
    write_pos(house.inbox / "ПОС_2026-02-10_08-00.xlsx", numbers(1), extra=["Новый"], drop=["fact"])
    write_pos(house.inbox / "ПОС_2026-02-11_08-00.xlsx", numbers(1), extra=["Новый", "Новейший"])
    house.load("pos")
    assert house.warnings() == [
        "Нет столбцов: «Факт»",
        "Неизвестный столбец «Новый»: хранится, в отчёты не идёт",
        "Неизвестный столбец «Новейший»: хранится, в отчёты не идёт",
    ]


def test_quiet_days_and_strange_numbers_warn(house: Warehouse) -> None:
    for day, rows in ((1, 0), (2, 10), (3, 10), (4, 11), (5, 19), (6, 4), (7, 40)):
        keys = range(rows)
        dates = {"received_date": "01.01.2026", "planned_date": "01.02.2026", "completed_date": "-"}
        write_pos(house.inbox / f"ПОС_2026-02-{day:02}_08-00.xlsx", numbers(*keys, **dates))
    house.load("pos")
    assert house.warnings() == [
        "Выгрузка пуста: нет ни одной строки",
        "Строк 4, обычно бывает от 5 до 20",
        "Строк 40, обычно бывает от 5 до 20",
    ]
    assert [row[1] for row in house.ledger()] == ["published"] * 7


def test_one_file_that_breaks_stops_no_other_and_is_tried_again(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (10, 11):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", numbers(day))
    publish = publish_module.publish

    def break_the_first(cursor: Any, source: str, load_id: int, *rest: Any) -> Any:
        if load_id == 1:
            raise ArithmeticError("a bug")
        return publish(cursor, source, load_id, *rest)

    monkeypatch.setattr(load, "publish", break_the_first)
    summary = house.load("pos")
    assert summary.failed == {"ПОС_2026-02-10_08-00.xlsx": "a bug"}
    assert set(summary.published) == {"ПОС_2026-02-11_08-00.xlsx"}
    assert house.ask("select status, error from ops.load order by load_id") == [
        ("failed", "ArithmeticError: a bug"),
        ("published", None),
    ]

    monkeypatch.undo()
    assert set(house.load("pos").published) == {"ПОС_2026-02-10_08-00.xlsx"}
    assert house.ask("select source_key from raw.pos_message order by 1") == [("10",), ("11",)]
    house.check_sums()


def test_a_fault_of_the_whole_load_refuses_it(
    house: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (*SOURCES, "load"):
        shutil.copy(suites.path(source), tmp_path)
    suite = json.loads(suites.path("load").read_text(encoding="utf-8"))
    for expectation in suite["expectations"]:
        if expectation["type"] == "expect_table_row_count_to_be_between":
            expectation["severity"] = "critical"
    (tmp_path / "load.json").write_text(json.dumps(suite), encoding="utf-8")
    monkeypatch.setattr(suites, "FOLDER", tmp_path)
    write_pos(house.inbox / "ПОС_2026-02-10_08-00.xlsx", [])
    error = "ПОС_2026-02-10_08-00.xlsx: Выгрузка пуста: нет ни одной строки"
    assert house.load("pos").refused == {"ПОС_2026-02-10_08-00.xlsx": error}
    assert house.ask("select source, status, error from ops.load") == [("pos", "refused", error)]
    house.check_sums()
    assert house.load("pos").refused == {}


def test_a_file_that_cannot_be_read_to_its_end_stops_no_other(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its rows are on their way to the stage table."""
    for day in (10, 11, 12):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", numbers(day))
    raw_rows = Export.raw_rows

    def break_off(export: Export) -> Iterator[RawRow]:
        yield from raw_rows(export)
        if "02-10" in export._name:
            raise ExportError("лист повреждён", "pos")
        if "02-11" in export._name:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Export, "raw_rows", break_off)
    summary = house.load("pos")
    assert summary.refused == {"ПОС_2026-02-10_08-00.xlsx": "лист повреждён"}
    assert summary.failed == {"ПОС_2026-02-11_08-00.xlsx": "[Errno 28] No space left on device"}
    assert set(summary.published) == {"ПОС_2026-02-12_08-00.xlsx"}
    house.check_sums()

    monkeypatch.undo()
    assert set(house.load("pos").published) == {"ПОС_2026-02-11_08-00.xlsx"}


def test_a_query_that_the_server_breaks_off_stops_no_other(house: Warehouse) -> None:
    """Canceled, out of memory, a full disk: the connection is still there, and so is the rest of the inbox."""
    for day in (10, 11):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", numbers(day))
    house.ask(
        """
        create function raise_disk_full() returns trigger language plpgsql as $$ begin
            if new.load_id = 1 then raise 'No space left on device' using errcode = '53100'; end if;
            return new;
        end $$;
        create trigger t before insert on raw.pos_message for each row execute function raise_disk_full(); select
        """
    )
    assert set(house.load("pos").failed) == {"ПОС_2026-02-10_08-00.xlsx"}
    ((status, error), (next_status, _)) = house.ask("select status, error from ops.load order by load_id")
    assert (status, next_status) == ("failed", "published")
    assert "DiskFull: No space left on device" in error
    house.ask("drop trigger t on raw.pos_message; select")
    assert set(house.load("pos").published) == {"ПОС_2026-02-10_08-00.xlsx"}
    house.check_sums()


def test_who_vanishes_without_a_word_is_noticed(house: Warehouse) -> None:
    with closing(load.connect(house.dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select name, setting from pg_settings where name ~ 'keepalives|check_interval' order by name")
        settings = dict(cursor.fetchall())
        assert (settings["tcp_keepalives_idle"], settings["tcp_keepalives_interval"]) == ("60", "10")
        assert settings["client_connection_check_interval"] == "5000"
    parameters = parse_dsn(Loader(house.dsn, "pos", Settings.from_env(house.environment), "run")._dsn)
    assert (parameters["keepalives_idle"], parameters["tcp_user_timeout"]) == ("60", "120000")


def test_the_modification_time_of_a_copy_says_nothing(house: Warehouse) -> None:
    path = write_pos(house.inbox / "ПОС 2026-02-10.xlsx", numbers(1))
    house.load("pos")
    assert house.ask("select exported_at_from, exported_at at time zone 'Europe/Moscow' from ops.load") == [
        ("file_name", dt.datetime(2026, 2, 11))
    ]
    moment = dt.datetime(2026, 3, 1).timestamp()
    os.utime(path, (moment, moment))
    house.load("pos")
    assert len(house.ledger()) == 1


def test_data_docs_are_built_and_trimmed(house: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcu.quality.docs.KEPT_RESULTS", 2)
    docs = Path(house.environment["MCU_STATE"]) / "data_docs"
    for day in (10, 11, 12, 13):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", numbers(day, rating=9))
        if day > 11:
            house.load("pos")
    index = (docs / "index.html").read_text(encoding="utf-8")
    pages = [page.as_posix() for page in docs.glob("validations/**/*.html")]
    assert [day for day in (10, 11, 12, 13) if any(f"2026-02-{day}_08-00" in page for page in pages)] == [12, 13]
    assert "2026-02-13_08-00" in index
    assert "2026-02-11_08-00" not in index
    assert any("Оценка вне 1–5" in page.read_text(encoding="utf-8") for page in docs.glob("validations/**/*.html"))
