from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mcu.landing import rules
from mcu.quality import suites
from mcu.sources import columns

CHANGED_BY = {
    "pos_columns.csv": {"pos", "unknown"},
    "incident_columns.csv": {"incident", "unknown"},
    "pos.json": {"pos", "unknown"},
    "load.json": {"pos", "incident", "unknown"},
}


@pytest.mark.parametrize("file", CHANGED_BY)
def test_a_rule_changes_the_digest_of_whom_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    for folder, pattern in ((columns.FOLDER, "*.csv"), (suites.FOLDER, "*.json")):
        for path in folder.glob(pattern):
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(columns, "FOLDER", tmp_path)
    monkeypatch.setattr(suites, "FOLDER", tmp_path)
    before = {source: rules.digest(source) for source in ("pos", "incident", "unknown")}
    assert len(set(before.values())) == 3
    with (tmp_path / file).open("a") as rule:
        rule.write("\n")
    assert {source for source in before if rules.digest(source) != before[source]} == CHANGED_BY[file]
