"""What every suite file must have, whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcu.quality import suites
from mcu.quality.gate import PLACEHOLDER

FILES = sorted(suites.FOLDER.glob("*.json"))
DIMENSIONS = {"completeness", "uniqueness", "validity", "consistency", "timeliness"}


def test_the_sources_have_their_suites() -> None:
    assert {"pos", "incident"} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_expectation_says_what_it_means(file: Any) -> None:
    suite = json.loads(file.read_text(encoding="utf-8"))
    assert suite["name"] == file.stem
    for expectation in suite["expectations"]:
        assert expectation["severity"] in {"critical", "warning"}
        assert expectation["meta"]["dimension"] in DIMENSIONS
        assert any("а" <= letter <= "я" for letter in expectation["meta"]["sentence"]), "a sentence for people"


@pytest.mark.parametrize("source", ["pos", "incident"])
def test_both_sources_are_looked_at_from_every_side(source: str) -> None:
    suite = json.loads(suites.path(source).read_text(encoding="utf-8"))
    assert {expectation["meta"]["dimension"] for expectation in suite["expectations"]} == DIMENSIONS


@pytest.mark.parametrize("source", ["pos", "incident"])
def test_warnings_name_no_values_of_rows(source: str) -> None:
    """Rows that fail a warning are not fetched, so its sentence cannot show them."""
    suite = json.loads(suites.path(source).read_text(encoding="utf-8"))
    for expectation in suite["expectations"]:
        if expectation["severity"] == "warning":
            named = set(PLACEHOLDER.findall(expectation["meta"]["sentence"]))
            assert named <= {"observed", "rows_at_least", "rows_at_most"}
