"""Each expectation of the mart suites can fail: a defect is planted for every one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from mcu.quality.gate import Gate, Outcome
from mcu.transform.checks import CHECKED_MARTS, EXPECTATIONS
from tests.integration.transform.test_publish_marts import build_copy, fetch, run

pytestmark = pytest.mark.postgres

# Columns that the query of a suite computes: what has to change for them to become wrong.
COMPUTED = {
    "week_start_isodow": "update {mart} set week_start = week_start + 1 where ctid = '{row}'",
    "received_to_median": "update {mart} set received = received * 1000 + 100000",
    "municipalities_of_week": "delete from {mart} where ctid = '{row}'",
}


def defect(expectation: dict[str, Any]) -> str:
    """SQL that breaks the expectation in the row {row} of {mart}; a KeyError says that a defect has to be written."""
    kwargs = expectation["kwargs"]
    column = kwargs.get("column")
    if column in COMPUTED:
        return COMPUTED[column]
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


def outcomes(dsn: str, mart: str) -> list[Outcome]:
    return Gate(dsn).validate(EXPECTATIONS / f"{mart}.json", CHECKED_MARTS[mart], mart)


@pytest.mark.parametrize("mart", CHECKED_MARTS)
def test_every_expectation_can_fail(built: Connection, built_dsn: str, mart: str) -> None:
    suite = json.loads((EXPECTATIONS / f"{mart}.json").read_text(encoding="utf-8"))["expectations"]
    build_copy(built)
    assert [o.sentence for o in outcomes(built_dsn, mart) if not o.is_passed] == []

    # One row a defect, so that none hides another; what empties or shifts the whole table comes on its own.
    table = f"marts_build.{mart}"
    alone = [e for e in suite if e["type"] == "expect_table_row_count_to_be_between"]
    together = [e for e in suite if e not in alone]
    run(built, f"insert into {table} select * from {table}, generate_series(1, 5)".replace("*", f"{mart}.*"))
    rows = [row for (row,) in fetch(built, f"select ctid from {table} order by week_start, source")]
    assert len(rows) > len(together)
    for row, expectation in zip(rows, together, strict=False):
        run(built, defect(expectation).format(mart=table, row=row))
    failed = {(o.expectation, o.column_name, o.sentence) for o in outcomes(built_dsn, mart) if not o.is_passed}
    assert {key(e) for e in together} <= failed

    run(built, defect(alone[0]).format(mart=table, row=rows[0]))
    assert key(alone[0]) in {
        (o.expectation, o.column_name, o.sentence) for o in outcomes(built_dsn, mart) if not o.is_passed
    }


@pytest.mark.parametrize("mart", CHECKED_MARTS)
def test_every_expectation_says_what_it_is_about(mart: str) -> None:
    for expectation in json.loads((EXPECTATIONS / f"{mart}.json").read_text(encoding="utf-8"))["expectations"]:
        assert expectation["severity"] in ("critical", "warning")
        assert expectation["meta"]["dimension"] in (
            "completeness",
            "uniqueness",
            "validity",
            "consistency",
            "timeliness",
        )
        assert len(expectation["meta"]["sentence"]) > 15
