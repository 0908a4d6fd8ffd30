"""The comparison itself: it must see every kind of difference."""

from __future__ import annotations

from datetime import date

import pytest

from tests.oracle.compare import differences
from tests.oracle.tables import KEYS, Row, Tables

WEEK = date(2025, 11, 17)
ROW: Row = {"received": 20, "on_time_share": 0.95, "zone": "green", "received_prev": None}


def tables(row: Row) -> Tables:
    return {name: {} for name in KEYS} | {"rpt_weekly_region": {(WEEK, "all"): row}}


def test_equal_tables_have_no_differences() -> None:
    assert differences(tables(ROW), tables(dict(ROW))) == []
    assert differences(tables(ROW), tables(ROW | {"on_time_share": 0.95 + 1e-12})) == []


@pytest.mark.parametrize(
    "planted",
    [
        {"received": 21},
        {"received": 20.0},
        {"on_time_share": 0.95 + 1e-6},
        {"on_time_share": None},
        {"zone": "yellow"},
        {"received_prev": 0},
    ],
)
def test_a_planted_cell_is_reported(planted: Row) -> None:
    (column, value), *_ = planted.items()
    expected = f"rpt_weekly_region (2025-11-17, all) {column}: ours {value!r}, oracle {ROW[column]!r}"
    assert differences(tables(ROW | planted), tables(ROW)) == [expected]


def test_missing_and_surplus_rows_and_columns_are_reported() -> None:
    empty: Tables = {name: {} for name in KEYS}
    assert differences(empty, tables(ROW)) == [f"rpt_weekly_region (2025-11-17, all): row missing, oracle: {ROW}"]
    assert differences(tables(ROW), empty) == [f"rpt_weekly_region (2025-11-17, all): row too many: {ROW}"]
    place = "rpt_weekly_region (2025-11-17, all) rank"
    assert differences(tables(ROW | {"rank": 1}), tables(ROW)) == [f"{place}: ours 1, oracle '(no such column)'"]
    assert differences(tables(ROW), tables(ROW | {"rank": 1})) == [f"{place}: ours '(no such column)', oracle 1"]
