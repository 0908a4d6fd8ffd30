"""The history of the bench is what a loader would have left, and the same at its newest end however long it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from bench import builds, history
from bench.builds import EXPORTED_AT, LATE, NEWS, NIGHT
from stack.paths import StackError

pytestmark = pytest.mark.postgres

# The incidents among the newest 400 messages, with all that is shown of them.
NEWEST = (
    "select count(*), md5(string_agg(concat_ws('|', source_key, content_hash, topic, municipality), ''"
    " order by source_key, exported_at)) from raw.incident where source_key::bigint > 1000000000 - 400"
)


def fetch(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PER_DAY", 200)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("messages", [800, 2000])
def test_a_history_is_reconciled_and_its_newest_end_is_the_same(warehouse: Connection, messages: int) -> None:
    history.make(warehouse, messages)
    keys = "select count(distinct source_key) from raw."
    assert fetch(warehouse, f"{keys}pos_message")[0][0] + fetch(warehouse, f"{keys}incident")[0][0] == messages
    assert fetch(warehouse, "select count(*) from raw.last_seen") == [(messages,)]
    assert fetch(warehouse, "select distinct rows_unexplained from ops.reconciliation") == [(0,)]
    ((versions, digest),) = fetch(warehouse, NEWEST)
    assert versions > 250
    assert digest == "a997e3364f27832daa30f91ac7fc8ac5", "whatever the length"


@pytest.mark.usefixtures("small")
def test_news_are_new_versions_as_of_their_export(warehouse: Connection) -> None:
    history.make(warehouse, 2000)
    rows = history.change(warehouse, NIGHT, NEWS[NIGHT], EXPORTED_AT[NIGHT])
    assert rows > 3000
    told = (
        "select count(*), min(exported_at) from raw.{} join ops.load using (load_id, exported_at) where uri = 'night'"
    )
    (pos, pos_at), (incidents, incidents_at) = (
        fetch(warehouse, told.format(t))[0] for t in ("pos_message", "incident")
    )
    assert pos + incidents == rows
    assert {pos_at, incidents_at} == {datetime(2026, 11, 22, 21, tzinfo=UTC)}
    later = "select count(*) from raw.incident where first_answer_at >= '2026-11-23'"
    assert fetch(warehouse, later) == [(0,)]
    assert history.change(warehouse, LATE, NEWS[LATE].format(every=3), EXPORTED_AT[LATE]) == 600


def test_a_mart_without_a_query_stops_the_bench(warehouse: Connection) -> None:
    fetch(warehouse, "create view bi.rpt_new as select 1 as one; select 1")
    with pytest.raises(StackError, match=r"no query for bi\.rpt_new"):
        list(builds.ask(warehouse, 1))
