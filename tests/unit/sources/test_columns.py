from __future__ import annotations

from pathlib import Path

import pytest

from mcu.sources import columns
from mcu.sources.cells import CONVERTERS


@pytest.mark.parametrize(("source", "headers"), [("pos", 25), ("incident", 47)])
def test_the_maps_are_whole(source: str, headers: int) -> None:
    column_map = columns.load(source)
    assert len(column_map.columns) == headers
    assert [column.type for column in column_map.columns].count("key") == 1
    assert {column.type for column in column_map.columns} <= CONVERTERS.keys()
    assert column_map.key not in column_map.types


def test_no_header_belongs_to_both_sources() -> None:
    assert not columns.load("pos").by_header.keys() & columns.load("incident").by_header.keys()


def test_two_headers_of_one_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "renamed_columns.csv").write_text(
        "header,field,type,is_required\nНомер,number,key,true\nТема,topic,text,true\nТема  (новая),topic,text,true\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(columns, "FOLDER", tmp_path)
    column_map = columns.load("renamed")
    assert column_map.types == {"topic": "text"}
    assert column_map.headers_of("topic") == ["Тема", "Тема (новая)"]
