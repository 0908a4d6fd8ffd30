"""Events of the built warehouse: every kind is there, a wrong one turns a data test red, no person stands in them."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from tests.integration.transform.test_dbt_project import dbt_test
from tests.integration.transform.test_publish_marts import build_copy, fetch
from tests.workbooks import INCIDENT, POS

pytestmark = pytest.mark.postgres

REPLAY, CHAIN = "assert_events_replay_to_messages", "assert_events_leave_no_gaps"

# What is done to the events; {one}: one of them for which the rest holds.
WRONG = (
    "insert into {events} select message_id, source, event, event_at, is_moment_exact, value_before, value_after,"
    " exported_at + interval '1 day' from {events} where event = 'created' limit 1",
    "delete from {events} where {one} event = 'created')",
    "update {events} set event_at = event_at + interval '1 second' where {one} event = 'created')",
    "delete from {events} where {one} event = 'first_answer')",
    "update {events} set event_at = event_at + interval '1 second' where {one} event = 'first_answer')",
    "delete from {events} where {one} event = 'rated')",
    "update {events} set value_before = '3' where {one} event = 'rated')",
    "delete from {events} where {one} event = 'closed' and source = 'incident')",
    "delete from {events} where {one} event = 'closed' and source = 'pos')",
    "delete from {events} where {one} event = 'reopened')",
    "delete from {events} where {one} event = 'reconsidered')",
    "update {events} set value_after = value_before where {one} event = 'topic_changed')",
    "update {events} set value_after = '?' where {one} event = 'authority_changed')",
    "update {events} set value_after = '60000000' where {one} event = 'municipality_changed')",
    "update {events} set value_before = null where {one} event = 'municipality_changed')",
)


def test_every_kind_of_event_is_there(built: Connection) -> None:
    kinds = {kind for (kind,) in fetch(built, "select distinct event from bi.fct_message_event")}
    assert kinds == {
        "created",
        "assigned",
        "first_answer",
        "satisfaction_step",
        "closed",
        "reopened",
        "reconsidered",
        "rated",
        "topic_changed",
        "authority_changed",
        "municipality_changed",
    }


def test_data_tests_see_wrong_events(built: Connection, built_dsn: str, settings: Settings) -> None:
    build_copy(built)
    returncode, statuses = dbt_test(built_dsn, settings, "--select", REPLAY, CHAIN)
    assert (returncode, statuses) == (0, {REPLAY: "pass", CHAIN: "pass"})
    compiled = settings.state / "dbt" / "compiled" / "mcu" / "tests"
    queries = {name: (compiled / f"{name}.sql").read_text(encoding="utf-8") for name in (REPLAY, CHAIN)}
    one = "ctid = (select min(ctid) from marts_build.fct_message_event where"
    seen_by = set()
    for change in WRONG:
        with built.cursor() as cursor:
            cursor.execute(change.format(events="marts_build.fct_message_event", one=one))
            assert cursor.rowcount == 1, change
        red = {name for name, query in queries.items() if rows(built, query)}
        built.rollback()
        assert red, change
        seen_by |= red
    assert seen_by == {REPLAY, CHAIN}


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    """The rows of a query within the transaction that is open."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_no_person_stands_in_events_or_unknown_values(built: Connection) -> None:
    persons: tuple[str, ...] = (
        "coordinator_name",
        "executor_name",
        "message_text",
        "author_url",
        "post_url",
        "blog_url",
        "executor",
    )
    persons += ("first_answer_text", "executor_answer_1", "answer_account_url", "street")
    planted = [str(sample[field]).strip("'")[:9] for sample in (POS, INCIDENT) for field in persons if field in sample]
    assert len(planted) > 10
    shown = fetch(
        built,
        "select row(event.*)::text from bi.fct_message_event as event"
        " union select row(unknown.*)::text from bi.rpt_unmapped as unknown",
    )
    assert len(shown) > 100
    for (text,) in shown:
        assert not [person for person in planted if person in text]
