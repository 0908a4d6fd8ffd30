"""Quarantined rows come back once the rule is mended: as if it had always been right, once, and never half a load."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.landing.replay import Replayed, replay
from mcu.quality import gate, suites
from mcu.settings import Settings
from mcu.sources import columns
from tests.workbooks import write_incidents, write_pos

pytestmark = pytest.mark.postgres

# What facts are made of, without the ids of loads and the moments of loading.
FACTS = (
    "select source_key, content_hash, exported_at, row_number, received_date, extra::text from raw.pos_message",
    "select source_key, content_hash, exported_at, row_number, created_at, extra::text from raw.incident",
    "select source, source_key, last_seen_exported_at, content_hash, cabinet, created_on from raw.last_seen",
    "select exported_at, unnest(source_keys) from raw.unchanged_sighting join ops.load using (load_id)",
)
EARLY = "Поступило раньше 2020 года, опечатка в дате: {received_date}"


class House:
    def __init__(self, connection: Connection, dsn: str, folder: Path) -> None:
        self.inbox = folder / "inbox"
        self.settings = Settings.from_env({"MCU_INBOX": str(self.inbox), "MCU_STATE": str(folder / "state")})
        self._connection = connection
        self._dsn = dsn

    def load(self, *sources: str) -> None:
        for source in sources:
            assert not Loader(self._dsn, source, self.settings, "a run").run().failed

    def replay(self, source: str = "pos") -> Replayed:
        return replay(self._dsn, source, self.settings, "a replay")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def facts(self) -> list[list[tuple[Any, ...]]]:
        return [sorted(self.ask(statement), key=repr) for statement in FACTS]

    def empty(self) -> None:
        self.ask("truncate ops.load, ops.inbox_file, raw.last_seen restart identity cascade; select")

    def check(self) -> None:
        """Ledger, quarantine and what the exports say agree, and nothing is left behind."""
        assert self.ask(
            "select count(*) from ops.load where status <> 'published' "
            "or rows_read <> rows_new + rows_changed + rows_unchanged + rows_quarantined"
        ) == [(0,)]
        assert (
            self.ask(
                "select load_id from ops.load where replay_of is not null and rows_read <> ("
                "select count(*) from ops.quarantine where replayed_by_load_id = load.load_id and load_id = replay_of)"
            )
            == []
        )
        assert self.ask("select count(*) from pg_tables where schemaname = 'stage'") == [(0,)]
        assert self.ask("select distinct rows_unexplained from ops.reconciliation") == [(0,)]


@pytest.fixture
def house(warehouse: Connection, warehouse_dsn: str, tmp_path: Path) -> House:
    return House(warehouse, warehouse_dsn, tmp_path)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the suites that may be changed; returns the one of ПОС."""
    folder = tmp_path / "expectations"
    shutil.copytree(suites.FOLDER, folder)
    monkeypatch.setattr(suites, "FOLDER", folder)
    return folder / "pos.json"


def drop_the_rule(suite: Path, sentence: str) -> None:
    definition = json.loads(suite.read_text(encoding="utf-8"))
    kept = [one for one in definition["expectations"] if one["meta"]["sentence"] != sentence]
    assert len(kept) == len(definition["expectations"]) - 1
    suite.write_text(json.dumps(definition | {"expectations": kept}), encoding="utf-8")


def write_days(inbox: Path) -> None:
    """Four exports with sound, early, unreadable, repeated and conflicting rows; some change from day to day."""
    for day in (10, 11, 12, 13):
        rows: list[dict[str, object]] = [
            {"pos_number": "1", "stage": "Исполнение" if day < 12 else "Завершено"},
            {
                "pos_number": "2",
                "received_date": "05.06.2019",
                "top_lko": "'_x0041_ & <b>\n–",
                "status": f"S{day // 12}",
            },
            {"pos_number": "3", "received_date": "31.02.2026"},
            {"pos_number": "4", "received_date": "01.01.2019"},
            {"pos_number": "4", "received_date": "01.01.2019"},
            {"pos_number": "5", "received_date": "01.01.2019"},
            {"pos_number": "5", "received_date": "02.01.2019"},
            {"pos_number": None, "received_date": "01.01.2019"},
            {
                "pos_number": "6",
                "received_date": f"{day - 8:02}.02.{2019 if day < 13 else 2026}",
                "Новый столбец": "да",
            },
        ]
        write_pos(inbox / f"ПОС_2026-02-{day}_08-00.xlsx", rows, extra=["Новый столбец"])


def test_what_comes_back_ends_as_if_the_rule_had_been_right_from_the_beginning(house: House, suite: Path) -> None:
    write_days(house.inbox)
    house.load("pos")
    quarantined = house.ask("select load_id, row_number, payload::text, reasons from ops.quarantine order by 1, 2")
    before = house.ask("select sum(rows_quarantined) from ops.load")

    drop_the_rule(suite, EARLY)
    assert house.replay() == Replayed(brought_back=4 + 2 * 4 + 3, left=4 * 4)
    house.check()
    assert house.ask("select count(*) from ops.load where replay_of is not null") == [(4,)]
    assert house.ask("select sum(rows_quarantined) from ops.load") == before, "what was so stays written"
    kept = house.ask("select load_id, row_number, payload::text, reasons from ops.quarantine order by 1, 2")
    assert kept == quarantined
    facts = house.facts()

    house.empty()
    house.load("pos")
    assert facts == house.facts()
    assert {row[0] for row in facts[0]} == {"1", "2", "4", "6"}


def test_a_second_replay_changes_nothing(house: House, suite: Path) -> None:
    write_days(house.inbox)
    house.load("pos")
    drop_the_rule(suite, EARLY)
    house.replay()
    everything = "select * from ops.load natural full join ops.load_day order by load_id, created_on"
    state = (house.facts(), house.ask(everything), house.ask("select * from ops.quarantine order by 1, 3"))
    assert house.replay() == Replayed(brought_back=0, left=4 * 4)
    assert state == (house.facts(), house.ask(everything), house.ask("select * from ops.quarantine order by 1, 3"))
    house.check()


def test_without_a_mended_rule_nothing_comes_back_and_nothing_is_written(house: House) -> None:
    write_days(house.inbox)
    house.load("pos")
    loads = house.ask("select * from ops.load")
    assert house.replay().brought_back == 0
    assert house.ask("select * from ops.load") == loads
    assert house.replay("incident") == Replayed()
    house.check()


def test_a_newer_export_stays_the_present(house: House, suite: Path) -> None:
    for day, received in ((10, "05.06.2019"), (11, "05.06.2025")):
        write_pos(house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx", [{"pos_number": "7", "received_date": received}])
    house.load("pos")
    drop_the_rule(suite, EARLY)
    assert house.replay() == Replayed(brought_back=1, left=0)
    assert house.ask("select received_date from raw.pos_message order by exported_at") == [
        ("05.06.2019",),
        ("05.06.2025",),
    ]
    assert house.ask("select created_on::text from raw.last_seen") == [("2025-06-05",)]
    house.check()


def test_a_column_that_the_map_learns_of(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value stands in `extra` under the new header; the old column is there too, but empty."""
    header = "Дата создания (местная)"
    cells = {"im_id": 5, "created_at": None, header: "02.02.2026 10:00"}
    write_incidents(house.inbox / "Инцидент_2026-02-10_08-00.xlsx", [cells], extra=[header])
    house.load("incident")
    assert house.ask("select reasons, created_on from ops.quarantine") == [(["Нет даты создания"], None)]
    assert house.replay("incident") == Replayed(brought_back=0, left=1)

    shutil.copytree(columns.FOLDER, tmp_path / "maps", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with (tmp_path / "maps" / "incident_columns.csv").open("a", encoding="utf-8") as column_map:
        column_map.write(f"{header},created_at,timestamp,true\n")
    monkeypatch.setattr(columns, "FOLDER", tmp_path / "maps")
    columns.load.cache_clear()
    try:
        assert house.replay("incident") == Replayed(brought_back=1, left=0)
    finally:
        columns.load.cache_clear()
    assert house.ask("select created_at, extra from raw.incident") == [("2026-02-02 10:00:00", None)]
    assert house.ask("select created_on::text, rows_in_export, messages_held from ops.reconciliation") == [
        ("2026-02-02", 1, 1)
    ], "counted on the day that it is read with now"
    house.check()


def test_broken_off_it_brings_back_whole_loads_and_goes_on(
    house: House, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(house.inbox)
    house.load("pos")
    drop_the_rule(suite, EARLY)
    record = gate.record
    calls = iter(range(3))

    def break_the_second(*arguments: Any) -> None:
        record(*arguments)
        if next(calls) == 1:
            raise ArithmeticError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(gate, "record", break_the_second)
        with pytest.raises(ArithmeticError):
            house.replay()
    assert house.ask("select count(*) from ops.load where replay_of is not null and status = 'published'") == [(1,)]
    assert house.ask("select count(distinct load_id) from ops.quarantine where replayed_by_load_id is not null") == [
        (1,)
    ]
    assert house.replay().brought_back > 0
    facts = house.facts()
    assert house.ask("select status, error from ops.load where status <> 'published'") == [("failed", "прервано")]
    house.empty()
    house.load("pos")
    assert facts == house.facts()


def test_rows_that_are_back_are_known_to_the_next_export(house: House, suite: Path) -> None:
    write_days(house.inbox)
    house.load("pos")
    drop_the_rule(suite, EARLY)
    house.replay()
    for day in (14, 15):
        shutil.copy(house.inbox / "ПОС_2026-02-13_08-00.xlsx", house.inbox / f"ПОС_2026-02-{day}_08-00.xlsx")
    house.load("pos")
    last = house.ask("select rows_new, rows_changed, rows_quarantined from ops.load order by load_id desc limit 2")
    assert last == [(0, 0, 4), (0, 0, 4)]
    house.check()
