"""What breaks a promise and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from stack import contract
from stack.manifest import Column, Mart, Text
from stack.paths import StackError

PROMISED = [("date", "date"), ("source", "text"), ("received", "bigint")]


def mart(columns: Sequence[tuple[str, str]], version: int = 1) -> Mart:
    return Mart(
        name="rpt_example" if version == 1 else f"rpt_example_v{version}",
        node_id=f"model.mcu.rpt_example.v{version}",
        folder="reports",
        version=version,
        text=Text("", ""),
        grain=(),
        columns=tuple(Column(name, data_type, Text("", ""), True) for name, data_type in columns),
        checks=(),
    )


@pytest.fixture
def promised(tmp_path: Path) -> Path:
    path = tmp_path / "contracts.csv"
    contract.update([mart(PROMISED)], path)
    return path


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (PROMISED[:2], "rpt_example v1 has lost received."),
        ([*PROMISED[:2], ("came", "bigint")], "rpt_example v1 has lost received."),
        ([*PROMISED[:2], ("received", "integer")], "rpt_example v1: received was bigint and is integer."),
        ([PROMISED[1], PROMISED[0], PROMISED[2]], "rpt_example v1: the columns stand in another order."),
        (
            [("oktmo", "text"), *PROMISED],
            "rpt_example v1: a new column stands before the old ones, not at the end.",
        ),
    ],
    ids=["dropped", "renamed", "retyped", "reordered", "in the middle"],
)
def test_a_broken_promise_is_named_and_not_taken_in(
    promised: Path, columns: list[tuple[str, str]], sentence: str
) -> None:
    before = promised.read_text(encoding="utf-8")
    assert contract.breaks(contract.read(promised), contract.of_marts([mart(columns)])) == [sentence]
    with pytest.raises(StackError, match="new version"):
        contract.update([mart(columns)], promised)
    assert promised.read_text(encoding="utf-8") == before


def test_a_version_that_is_gone_is_a_broken_promise(promised: Path) -> None:
    (sentence,) = contract.breaks(contract.read(promised), {})
    assert sentence.startswith("rpt_example v1 is gone")


def test_new_columns_at_the_end_and_new_versions_are_taken_in(promised: Path) -> None:
    marts = [mart([*PROMISED, ("answered", "bigint")]), mart(PROMISED[:2], version=2)]
    assert contract.breaks(contract.read(promised), contract.of_marts(marts)) == []
    contract.update(marts, promised)
    assert contract.read(promised) == contract.of_marts(marts)
    assert "rpt_example_v2,2,source,text\n" in promised.read_text(encoding="utf-8")
