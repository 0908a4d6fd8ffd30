"""The files: layout, names, formats, sliding window, equal bytes, interrupted runs."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from demo.__main__ import main
from demo.exports import CABINETS, Cabinet, Export, plan_exports, write_workbook
from demo.life import Message, Row
from demo.reference import SOURCES

UNTIL = date(2026, 11, 22)
INCIDENT, POS = CABINETS
KEYS = {"incident": "im_id", "pos": "pos_number"}


def columns(cabinet: Cabinet) -> list[dict[str, str]]:
    with (SOURCES / f"{cabinet.source}_columns.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def newest(inbox: Path, cabinet: Cabinet) -> Path:
    return max((inbox / cabinet.folder).glob("*.xlsx"))


def read(path: Path) -> Sequence[Sequence[object]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def cells(inbox: Path, cabinet: Cabinet) -> Iterator[tuple[dict[str, str], object]]:
    """Every cell of the newest file that is not empty, with the column it stands in."""
    layout = columns(cabinet)
    for row in read(newest(inbox, cabinet))[1:]:
        yield from ((column, cell) for column, cell in zip(layout, row, strict=True) if cell not in ("", "-", "'"))


@pytest.mark.parametrize(("cabinet", "count"), [(INCIDENT, 47), (POS, 25)])
def test_headers_are_those_of_the_column_map_in_its_order(inbox: Path, cabinet: Cabinet, count: int) -> None:
    header = read(newest(inbox, cabinet))[0]
    assert header == [column["header"] for column in columns(cabinet)]
    assert len(header) == count


def test_incidents_are_on_the_sheet_of_the_real_exports(inbox: Path) -> None:
    assert CalamineWorkbook.from_path(newest(inbox, INCIDENT)).sheet_names == ["Лист1"]


def test_exports_are_weekly_then_daily_and_hold_the_whole_last_sunday() -> None:
    for cabinet in CABINETS:
        times = [export.exported_at for export in plan_exports(12, UNTIL) if export.cabinet == cabinet]
        steps = [(later - earlier).days for earlier, later in pairwise(times)]
        assert steps == [7] * 9 + [1] * 14
        assert times[-1] == datetime.combine(date(2026, 11, 23), cabinet.made_at)
    assert [str(export.path) for export in plan_exports(12, UNTIL)][-2:] == [
        "Инцидент Менеджмент/incidents_2026-11-23_00-10.xlsx",
        "ПОС/pos_2026-11-23_00-25.xlsx",
    ]


def test_a_single_week_has_an_export_a_day() -> None:
    days = [export.exported_at.date() for export in plan_exports(1, UNTIL) if export.cabinet == POS]
    assert days == [date(2026, 11, 17) + timedelta(days=n) for n in range(7)]


def test_moments_are_text_except_for_a_few_real_dates(inbox: Path) -> None:
    shapes = {"timestamp": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "date": r"\d\d\.\d\d\.\d{4}"}
    for cabinet, kind in ((INCIDENT, "timestamp"), (POS, "date")):
        found = [cell for column, cell in cells(inbox, cabinet) if column["type"] == kind]
        texts = [cell for cell in found if isinstance(cell, str)]
        assert texts
        assert all(re.fullmatch(shapes[kind], text) for text in texts)
        assert len(texts) >= 0.97 * len(found)
        assert all(isinstance(cell, (str, date)) for cell in found)


def test_durations_are_numbers_in_the_format_of_hours(inbox: Path) -> None:
    durations: dict[str, list[timedelta]] = {}
    for column, cell in cells(inbox, INCIDENT):
        if column["type"] == "duration":
            assert isinstance(cell, timedelta)
            durations.setdefault(column["field"], []).append(cell)
    working = durations.pop("first_answer_elapsed_working")
    assert all(one % timedelta(minutes=1) == timedelta() for one in working)
    assert any(one.microseconds for one in durations["first_answer_elapsed"])
    assert max(durations["total_elapsed"]) > timedelta(days=4)
    with zipfile.ZipFile(newest(inbox, INCIDENT)) as parts:
        assert 'formatCode="[hh]:mm:ss"' in parts.read("xl/styles.xml").decode()


def test_texts_start_with_an_apostrophe_and_empty_ones_are_a_lone_one(inbox: Path) -> None:
    fields = [column["field"] for column in columns(INCIDENT)]
    rows = [dict(zip(fields, row, strict=True)) for row in read(newest(inbox, INCIDENT))[1:]]
    assert all(str(row["message_text"]).startswith("'") for row in rows)
    assert {"'"} < {row["executor_answer_1"] for row in rows}
    assert any("\n" in str(row["message_text"]) for row in rows)
    assert any(re.search(r"\[id\d+\|\w+\]", str(row["message_text"])) for row in rows)


def test_nothing_yet_is_a_dash_in_appeals(inbox: Path) -> None:
    fields = [column["field"] for column in columns(POS)]
    rows = [dict(zip(fields, row, strict=True)) for row in read(newest(inbox, POS))[1:]]
    assert {row["rating"] for row in rows} >= {"-", 5.0}
    assert "-" in {row["completed_date"] for row in rows}
    assert any("  " in str(row["manager_name"]) for row in rows)


def test_the_document_is_dated_by_the_export(inbox: Path) -> None:
    with zipfile.ZipFile(newest(inbox, INCIDENT)) as parts:
        assert "2026-11-22T21:10:00Z" in parts.read("docProps/core.xml").decode()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    arguments = ["--weeks", "1", "--monthly", "200", "--until", "2026-11-22"]
    for name, seed in (("first", "1"), ("second", "1"), ("other", "2")):
        main([*arguments, "--seed", seed, "--out", str(tmp_path / name)])
    first, second, other = (contents(tmp_path / name) for name in ("first", "second", "other"))
    assert len(first) == 14
    assert first == second
    assert first.keys() == other.keys()
    assert first != other


def test_a_run_over_the_remains_of_another_completes_the_set(tmp_path: Path) -> None:
    arguments = ["--weeks", "1", "--monthly", "200", "--until", "2026-11-22", "--out"]
    main([*arguments, str(tmp_path / "whole")])
    remains = tmp_path / "again" / POS.folder
    remains.mkdir(parents=True)
    (remains / "pos_2026-11-20_00-25.xlsx").write_bytes(b"half a file")
    (remains / "pos_2026-11-01_00-25.xlsx.part").write_bytes(b"of an older period")
    main([*arguments, str(tmp_path / "again")])
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_a_failed_run_gives_no_file_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(path: Path, export: Export, rows: Sequence[Row]) -> None:
        if export.exported_at.date() == date(2026, 11, 23):
            raise OSError("no space left")
        write_workbook(path, export, rows)

    monkeypatch.setattr("demo.__main__.write_workbook", full_disk)
    with pytest.raises(OSError, match="no space left"):
        main(["--weeks", "1", "--monthly", "200", "--until", "2026-11-22", "--out", str(tmp_path)])
    assert list(tmp_path.rglob("*.xlsx.part"))
    assert not list(tmp_path.rglob("*.xlsx"))


def test_the_period_ends_with_a_sunday(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--until", "2026-11-23", "--out", "nowhere"])
    assert "2026-11-23 is not a Sunday" in capsys.readouterr().err


@pytest.mark.parametrize("cabinet", CABINETS)
def test_each_file_repeats_the_former_one_but_for_what_left_the_window(
    messages: list[Message], cabinet: Cabinet
) -> None:
    exports = [export for export in plan_exports(8, UNTIL) if export.cabinet == cabinet]
    key, changed, unchanged, left = KEYS[cabinet.source], 0, 0, 0
    for older, newer in pairwise(exports):
        before, after = by_key(older.rows(messages, 5), key), by_key(newer.rows(messages, 5), key)
        since = newer.exported_at - cabinet.window
        in_window = {made_key(one, key) for one in messages if one.source == cabinet.source and one.created_at >= since}
        assert before.keys() - after.keys() == before.keys() - in_window
        left += len(before.keys() - after.keys())
        both = before.keys() & after.keys()
        changed += sum(before[one] != after[one] for one in both)
        unchanged += sum(before[one] == after[one] for one in both)
    assert left > 0
    assert changed > 100
    assert unchanged > 4 * changed


def made_key(message: Message, key: str) -> object:
    return message.history[0][1][key]


def by_key(rows: list[Row], key: str) -> dict[object, Row]:
    return {row[key]: row for row in rows if row[key] is not None}
