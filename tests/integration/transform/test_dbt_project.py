"""dbt's own tests: the unit tests of the metrics, and that the data tests go red."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import dbt
from tests.integration.transform.test_publish_marts import build_copy, run

pytestmark = pytest.mark.postgres


def dbt_test(dsn: str, settings: Settings, *selection: str) -> tuple[int, dict[str, str]]:
    """Run `dbt test`; exit code and status by test name."""
    target = settings.state / "dbt"
    completed = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "test", *dbt.flags(settings, target), *selection],
        env=dbt.environment(dsn),
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    return completed.returncode, {_name(result["unique_id"]): result["status"] for result in results}


def _name(unique_id: str) -> str:
    """`unit_test.project.model.name` (`…_v1` of a versioned model) or `test.project.name.hash`."""
    kind, _, *rest = unique_id.split(".")
    return re.sub(r"_v\d+$", "", rest[1]) if kind == "unit_test" else rest[0]


def test_unit_tests_of_the_metrics_pass(built: Connection, built_dsn: str, settings: Settings) -> None:
    build_copy(built)  # dbt asks the tables for their types
    returncode, statuses = dbt_test(built_dsn, settings, "--select", "test_type:unit")
    assert set(statuses) == {
        "working_minutes_and_deadlines",
        "pos_deadlines",
        "days_of_a_message",
        "days_of_a_changed_message",
        "weeks_of_days",
        "weeks_and_shares",
        "places",
        "events_that_rows_date",
        "events_that_versions_show",
        "events_of_pos",
        "what_no_seed_knows",
        "list_of_what_no_seed_knows",
        "loads_and_their_replays",
        "an_outbreak_in_one_city",
        "topics_new_and_growing",
        "answers_as_they_were_taken",
    }
    assert set(statuses.values()) == {"pass"}
    assert returncode == 0


def test_data_tests_see_numbers_that_do_not_agree(built: Connection, built_dsn: str, settings: Settings) -> None:
    build_copy(
        built,
        "update marts_build.rpt_weekly_region set received = received + 1",
        "delete from marts_build.rpt_weekly_municipality where oktmo = '60704000'",
        "delete from marts_build.message_current where ctid = (select min(ctid) from marts_build.message_current)",
        "delete from marts_build.message_overdue",
        "update marts_build.municipality_daily set answered = -1",
        "insert into marts_build.rpt_weekly_topic table marts_build.rpt_weekly_topic",
        "update marts_build.rpt_unmapped set kind = 'organisation' where kind = 'topic' and source = 'pos'",
        "insert into marts_build.fct_message_event table marts_build.fct_message_event",
        "delete from marts_build.dim_channel where channel = 'gosuslugi'",
        "delete from marts_build.dim_topic",
        "delete from marts_build.dim_authority",
        "insert into marts_build.dim_topic select 'А', 'Б', false, 'В', false from generate_series(1, 2)",
        "insert into marts_build.dim_authority select g, 'плюс', true, true, null from generate_series(1, 2) as g",
        "update marts_build.rpt_answer_quality set answered = answered + 1",
        "insert into marts_build.rpt_hotspot (received) values (4)",
        "update marts_build.rpt_data_quality set rows_unexplained = 1 where source = 'pos'",
    )
    returncode, statuses = dbt_test(built_dsn, settings, "--select", "test_type:data,path:models/marts", "path:tests")
    assert returncode == 1
    assert {name for name, status in statuses.items() if status == "fail"} >= {
        "assert_no_message_is_lost",
        "assert_region_is_sum_of_municipalities",
        "assert_weeks_equal_messages",
        "assert_weekly_marts_are_dense",
        "assert_overdue_list_equals_its_count",
        "fct_municipality_daily__counts_agree",
        "rpt_weekly_topic__grain",
        "assert_unmapped_list_equals_its_count",
        "fct_message_event__grain",
        "rpt_data_quality__nothing_unexplained",
        "relationships_fct_message_v1_channel__channel__ref_dim_channel_",
        "relationships_fct_message_v1_authority__authority__ref_dim_authority_",
        "fct_message__topic_in_dim_topic",
        "unique_dim_topic_v1_topic_key",
        "assert_answer_quality_counts_every_answer",
        "rpt_hotspot__is_a_signal",
    }
    assert statuses["unique_dim_authority_v1_plain_name"] == "warn"


def test_the_calendar_test_warns_when_next_year_is_missing(
    built: Connection, built_dsn: str, settings: Settings
) -> None:
    run(built, "delete from staging.production_calendar")
    _, statuses = dbt_test(built_dsn, settings, "--select", "assert_calendar_knows_this_and_next_year")
    assert statuses == {"assert_calendar_knows_this_and_next_year": "warn"}


def test_a_lost_warehouse_is_worth_another_try_and_a_broken_model_is_not(
    built: Connection, built_dsn: str, settings: Settings
) -> None:
    lost = dbt.build(built_dsn.replace("mcu:", "nobody:"), settings, dbt.LAYERS["staging"], settings.state / "lost")
    assert lost.is_transport_fault
    run(built, "drop function ops.to_milliseconds cascade")
    broken = dbt.build(built_dsn, settings, dbt.LAYERS["staging"], settings.state / "dbt")
    assert broken.returncode != 0
    assert not broken.is_transport_fault
    assert any("stg_incident__incident_version" in line for line in broken.failures)
