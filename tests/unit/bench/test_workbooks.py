"""The workbooks of the bench hold what they should, in both layouts, as another program reads them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from bench import workbooks
from bench.messages import Cell, Messages
from bench.workbooks import INLINE, LAYOUTS, SHARED, STRINGS, write
from mcu.sources import columns

HEADERS = ["A & B", "второй", "третий"]
ROWS: list[list[Cell]] = [
    ["'<текст> & «ещё»\nстрока", 7, dt.timedelta(hours=30, seconds=1)],
    [None, "второй", dt.timedelta()],
    ["'<текст> & «ещё»\nстрока", "x" * 300, None],
]


def read_back(path: Path) -> list[list[object]]:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert sheet.dimensions == f"A1:{get_column_letter(sheet.max_column)}{sheet.max_row}"
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_kind_of_cell_is_read_back(tmp_path: Path, layout: str) -> None:
    write(tmp_path / "book.xlsx", HEADERS, ROWS, len(ROWS), layout)
    assert read_back(tmp_path / "book.xlsx") == [HEADERS, *ROWS]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_messages_are_read_back(tmp_path: Path, layout: str) -> None:
    messages = Messages(120)
    write(tmp_path / "first.xlsx", messages.headers, messages.first(), 120, layout)
    assert read_back(tmp_path / "first.xlsx") == [list(messages.headers), *messages.first()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_rows_give_the_same_bytes_whatever_the_size_of_a_block(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "one.xlsx", HEADERS, ROWS, len(ROWS), layout)
    monkeypatch.setattr(workbooks, "BLOCK", 100)
    write(tmp_path / "other.xlsx", HEADERS, ROWS, len(ROWS), layout)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "other.xlsx").read_bytes()


@pytest.mark.parametrize(("layout", "is_shared"), [(INLINE, False), (SHARED, True)])
def test_strings_are_where_the_layout_says(tmp_path: Path, layout: str, is_shared: bool) -> None:
    write(tmp_path / "book.xlsx", HEADERS, ROWS, len(ROWS), layout)
    with ZipFile(tmp_path / "book.xlsx") as book:
        assert (STRINGS in book.namelist()) == is_shared
        if is_shared:  # three headers and two texts, one of them twice; a header's text is used once more
            assert b'count="7" uniqueCount="5"' in book.read(STRINGS)


def test_the_next_day_changes_two_rows_in_a_hundred_and_adds_one() -> None:
    messages = Messages(200)
    first, next_day = list(messages.first()), list(messages.next_day())
    changed = [place for place in range(200) if first[place] != next_day[place]]
    assert len(changed) == messages.rows_changed == 4
    assert len(next_day) == messages.rows_next_day == 202
    place = next(i for i, column in enumerate(columns.load("incident").columns) if column.type == "key")
    keys = [row[place] for row in next_day]
    assert len(set(keys)) == 202
