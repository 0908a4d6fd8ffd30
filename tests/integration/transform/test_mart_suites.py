"""Each expectation of the mart suites can fail: a defect is planted for every one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from mcu.quality.gate import Gate
from mcu.transform.checks import CHECKED_MARTS, EXPECTATIONS, query
from tests.integration.transform.test_publish_marts import build_copy, fetch, run

pytestmark = pytest.mark.postgres

DIMENSIONS = {"completeness", "uniqueness", "validity", "consistency", "timeliness"}

# Columns that the query of a suite computes: what has to change for them to become wrong.
COMPUTED = {
    "week_start_isodow": "update {mart} set week_start = week_start + 1 where ctid = '{row}'",
    "received_to_median": "update {mart} set received = 100000 where week_start = (select max(week_start) from {mart})",
    "municipalities_of_week": "delete from {mart} where ctid = '{row}'",
}


def defect(expectation: dict[str, Any]) -> str:
    """SQL that breaks the expectation in the row {row} of {mart}; a KeyError says that a defect has to be written."""
    kwargs = expectation["kwargs"]
    column = kwargs.get("column")
    for computed in (column, kwargs.get("column_A")):
        if computed in COMPUTED:
            return COMPUTED[computed]
    update = "update {mart} set " + f"{column} = %s where ctid = '{{row}}'"
    by_type = {
        "expect_column_values_to_not_be_null": update % "null",
        "expect_column_values_to_be_between": update % "-1",
        "expect_column_values_to_be_in_set": update % "'blue'",
        "expect_column_pair_values_a_to_be_greater_than_b": (
            f"update {{mart}} set {kwargs.get('column_B')} = {kwargs.get('column_A')} + 1 where ctid = '{{row}}'"
        ),
        "expect_compound_columns_to_be_unique": "insert into {mart} select * from {mart} where ctid = '{row}'",
        "expect_table_row_count_to_be_between": "delete from {mart}",
    }
    return by_type[expectation["type"]]


def key(expectation: dict[str, Any]) -> tuple[object, ...]:
    kwargs = expectation["kwargs"]
    return expectation["type"], kwargs.get("column") or kwargs.get("column_A"), expectation["meta"]["sentence"]


def failures(dsn: str, mart: str) -> set[tuple[object, ...]]:
    outcomes = Gate(dsn).validate(EXPECTATIONS / f"{mart}.json", query(mart), mart)
    return {(o.expectation, o.column_name, o.sentence) for o in outcomes if not o.is_passed}


def expectations(mart: str) -> list[dict[str, Any]]:
    suite = json.loads((EXPECTATIONS / f"{mart}.json").read_text(encoding="utf-8"))
    return list(suite["expectations"])


@pytest.mark.parametrize("mart", CHECKED_MARTS)
def test_every_expectation_can_fail(built: Connection, built_dsn: str, mart: str) -> None:
    build_copy(built)
    assert failures(built_dsn, mart) == set()

    # One row a defect, so that none hides another; what empties or shifts the whole table comes on its own.
    table = f"marts_build.{mart}"
    together = [e for e in expectations(mart) if "{row}" in defect(e)]
    alone = [e for e in expectations(mart) if e not in together]
    run(built, f"insert into {table} select {mart}.* from {table}, generate_series(1, 5)")
    rows = [row for (row,) in fetch(built, f"select ctid from {table} order by week_start, source")]
    assert len(rows) > len(together)
    for row, expectation in zip(rows, together, strict=False):
        run(built, defect(expectation).format(mart=table, row=row))
    assert {key(e) for e in together} <= failures(built_dsn, mart)

    for expectation in sorted(alone, key=defect, reverse=True):  # what empties the table comes last
        run(built, defect(expectation).format(mart=table))
        assert key(expectation) in failures(built_dsn, mart)


@pytest.mark.parametrize("mart", CHECKED_MARTS)
def test_every_expectation_says_what_it_is_about(mart: str) -> None:
    for expectation in expectations(mart):
        assert expectation["severity"] in ("critical", "warning")
        assert expectation["meta"]["dimension"] in DIMENSIONS
        assert len(expectation["meta"]["sentence"]) > 15
