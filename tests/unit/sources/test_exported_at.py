from __future__ import annotations

import datetime as dt
import os
import re
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mcu.settings import DEFAULT_EXPORTED_AT_PATTERN
from mcu.sources.exported_at import ExportedAt, exported_at, from_name, from_seconds
from tests.workbooks import write_pos

MOSCOW = ZoneInfo("Europe/Moscow")
CREATED = dt.datetime(2026, 2, 3, 21, 30)  # UTC: half past midnight of the 4th in Moscow
MODIFIED = dt.datetime(2026, 1, 1, 12, 0, tzinfo=MOSCOW)


def read(path: Path) -> ExportedAt:
    modified = from_seconds(path.stat().st_mtime, MOSCOW)
    return exported_at(path, path.name, modified, re.compile(DEFAULT_EXPORTED_AT_PATTERN))


def moscow(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=MOSCOW)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("name", "moment", "told_by"),
    [
        ("ПОС_2026-02-04_08-15.xlsx", moscow(2026, 2, 4, 8, 15), "file_name"),
        ("2026-01-01_00-00 ПОС 2026-02-04_23-59.xlsx", moscow(2026, 2, 4, 23, 59), "file_name"),
        ("ПОС 2026-02-04.xlsx", moscow(2026, 2, 4, 0, 30), "file_name"),
        ("ПОС 2026-02-03.xlsx", moscow(2026, 2, 4), "file_name"),
        ("ПОС 2026-12-31.xlsx", moscow(2027, 1, 1), "file_name"),
        ("ПОС 2026-02-30.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("ПОС 2026-02-04_25-00.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("2026-02-01 по 2026-13-01.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("ПОС 9999-12-31.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("ПОС 0001-01-01_08-00.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("ПОС.xlsx", moscow(2026, 2, 4, 0, 30), "document"),
        ("2026-02-01_2026-02-03.xlsx", moscow(2026, 2, 4), "file_name"),
    ],
)
def test_the_name_first_then_the_document(tmp_path: Path, name: str, moment: dt.datetime, told_by: str) -> None:
    assert read(write_pos(tmp_path / name, [], created=CREATED)) == ExportedAt(moment, told_by)


def with_properties(path: Path, properties: str | None) -> Path:
    """A copy of an export with other document properties, last modified at MODIFIED."""
    source = write_pos(path.with_name("source"), [])
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name != "docProps/core.xml":
                new.writestr(name, old.read(name))
        if properties is not None:
            head = '<cp:coreProperties xmlns:cp="urn:x" xmlns:dcterms="http://purl.org/dc/terms/">'
            new.writestr("docProps/core.xml", head + properties + "</cp:coreProperties>")
    os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return path


@pytest.mark.parametrize(
    ("properties", "moment", "told_by"),
    [
        ("<dcterms:created>2026-02-03T21:30:00Z</dcterms:created>", moscow(2026, 2, 4, 0, 30), "document"),
        ("<dcterms:created>2026-02-03T21:30:00+05:00</dcterms:created>", moscow(2026, 2, 3, 19, 30), "document"),
        ("<dcterms:created>2026-02-03T21:30:00</dcterms:created>", moscow(2026, 2, 4, 0, 30), "document"),
        (
            "<dcterms:created/><dcterms:modified>2026-02-03T21:30:00Z</dcterms:modified>",
            moscow(2026, 2, 4, 0, 30),
            "document",
        ),
        ("<dcterms:created>вчера</dcterms:created>", MODIFIED, "modified_time"),
        ("<dcterms:created>0001-01-01T00:00:00Z</dcterms:created>", MODIFIED, "modified_time"),
        ("", MODIFIED, "modified_time"),
        ("<unclosed>", MODIFIED, "modified_time"),
        (None, MODIFIED, "modified_time"),
    ],
)
def test_the_document_then_the_modification_time(
    tmp_path: Path, properties: str | None, moment: dt.datetime, told_by: str
) -> None:
    assert read(with_properties(tmp_path / "a.xlsx", properties)) == ExportedAt(moment, told_by)


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_a_damaged_workbook_has_its_modification_time_or_properties(tmp_path: Path, position: int) -> None:
    path = write_pos(tmp_path / "a.xlsx", [], created=CREATED)
    content = bytearray(path.read_bytes())
    at = len(content) * position // 100
    content[at : at + 40] = bytes(40)
    path.write_bytes(content)
    assert read(path).told_by in ("document", "modified_time")


def test_no_workbook_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ПОС 2026-02-03.xlsx"
    path.write_bytes(b"no workbook")
    assert read(path) == ExportedAt(moscow(2026, 2, 4), "file_name")


def test_the_name_alone() -> None:
    pattern = re.compile(DEFAULT_EXPORTED_AT_PATTERN)
    assert from_name("ПОС_2026-02-04_08-15.xlsx", MOSCOW, pattern) == moscow(2026, 2, 4, 8, 15)
    assert from_name("ПОС 2026-02-03.xlsx", MOSCOW, pattern) == moscow(2026, 2, 4)
    assert from_name("ПОС.xlsx", MOSCOW, pattern) is None


@pytest.mark.parametrize(("seconds", "year"), [(-1e12, 2000), (0, 2000), (1e18, 2100), (float("inf"), 2100)])
def test_a_time_that_no_clock_shows(seconds: float, year: int) -> None:
    assert from_seconds(seconds, MOSCOW).year == year
