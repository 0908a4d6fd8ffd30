"""Stars become columns, so that OpenLineage's parser can follow them."""

from __future__ import annotations

from openlineage_sql import parse

from mcu.lineage.models import spelled_out

SQL = """with weekly as (

    select * from "warehouse"."intermediate"."int_weekly"

),

rpt_weekly_region as (

    select week_start, answered_on_time / received as share from weekly where oktmo = 'all'

)

select * from rpt_weekly_region
"""
COLUMNS = {
    ("intermediate", "int_weekly"): ["week_start", "oktmo", "received", "answered_on_time"],
    ("marts_build", "rpt_weekly_region"): ["week_start", "share"],
}


def test_the_parser_follows_columns_and_no_stars() -> None:
    assert parse([SQL]).column_lineage == []
    parsed = parse([spelled_out(SQL, COLUMNS)]).column_lineage
    lineage = {one.descendant.name: {origin.name for origin in one.lineage} for one in parsed}
    assert lineage == {"week_start": {"week_start"}, "share": {"answered_on_time", "received"}}


def test_a_table_that_is_not_there_keeps_its_star() -> None:
    assert spelled_out(SQL, {}) == SQL
