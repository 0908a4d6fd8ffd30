"""A delta: what it replaces, what it tells, and that nobody who reads notices it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.settings import Settings
from mcu.transform import build, dbt, marts
from stack.postgres import Cluster
from tests import workbooks
from tests.integration.transform.test_publish_marts import fetch, run

pytestmark = pytest.mark.postgres

# An incident of 9 February that was answered within two hours moves to another town; the day was published long ago.
MOVED = {
    "im_id": 2001,
    "created_at": "2026-02-09 10:01:00",
    "first_answer_at": "2026-02-09 12:01:00",
    "first_answer_elapsed_working": 2 / 24,
    "closed_at": None,
    "closing_reason": "5",
    "municipality": "Шахты г.о.",
}
NEW = {**MOVED, "im_id": 9001, "created_at": "2026-02-23 09:00:00", "first_answer_at": "2026-02-23 10:00:00"}


Contents = dict[str, list[tuple[str, str]]]


def load_news(dsn: str, settings: Settings, inbox: Path) -> Settings:
    """A load of two rows: one late change, one message of a day that is new."""
    inbox.mkdir()
    workbooks.write_incidents(inbox / "incidents_2026-02-24_01-00.xlsx", [MOVED, NEW])
    settings = Settings.from_env({"MCU_INBOX": str(inbox), "MCU_STATE": str(settings.state)})
    assert Loader(dsn, "incident", settings, "test").run().published
    return settings


@pytest.fixture
def news(built_dsn: str, settings: Settings, tmp_path: Path) -> Settings:
    """A warehouse with the news loaded and not built."""
    return load_news(built_dsn, settings, tmp_path / "inbox")


class Delta(NamedTuple):
    """A warehouse after the delta of the news, and its marts before and after it."""

    dsn: str
    connection: Connection
    settings: Settings
    before: Contents
    friday_before: list[tuple[object, ...]]
    after: Contents


FRIDAY = "select * from bi.fct_municipality_daily where date = '2026-02-06' order by 1, 2, 3, 4"


@pytest.fixture(scope="module")
def delta(
    postgres_server: Cluster, _built: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Delta]:
    with postgres_server.superuser() as superuser, superuser.cursor() as cursor:
        cursor.execute(f"create database transform_delta template {_built} owner mcu")
        dsn = postgres_server.dsn("transform_delta")
        with closing(psycopg2.connect(dsn)) as connection:
            before, friday = contents(connection), fetch(connection, FRIDAY)
            settings = load_news(dsn, settings, tmp_path_factory.mktemp("delta") / "inbox")
            build.build_marts(dsn, settings, settings.state / "dbt")
            yield Delta(dsn, connection, settings, before, friday, contents(connection))
        cursor.execute("drop database transform_delta with (force)")


def contents(connection: Connection) -> Contents:
    """Every table of `marts`, with where each row lies: what is not rewritten stays where it was."""
    tables = fetch(connection, "select tablename from pg_tables where schemaname = 'marts' order by 1")
    return {
        name: [
            (str(row), str(place))
            for row, place in fetch(connection, f"select row(t.*)::text, ctid from marts.{name} t")
        ]
        for (name,) in tables
    }


def test_a_delta_touches_only_what_the_news_change(delta: Delta) -> None:
    reason = "select full_because from ops.mart_build order by build_id desc limit 1"
    assert fetch(delta.connection, reason) == [(None,)]
    left = {name: set(rows) & set(delta.after[name]) for name, rows in delta.before.items()}

    replaced = {row for row, _ in set(delta.before["message_current"]) - left["message_current"]}
    assert len(replaced) == 1
    assert "incident:2001" in replaced.pop()
    days = {row.split(",")[0] for row, _ in set(delta.before["rpt_daily_summary"]) - left["rpt_daily_summary"]}
    assert days == {"(2026-02-09", "(2026-02-10", "(2026-02-16"}, "the day, the next one, the weekday a week later"
    weeks = {row.split(",")[0] for row, _ in set(delta.before["rpt_weekly_region"]) - left["rpt_weekly_region"]}
    assert weeks == {"(2026-02-09", "(2026-02-16"}
    assert fetch(delta.connection, "select to_regnamespace('marts_build')") == [(None,)]


def test_a_past_day_that_late_data_change_stands_in_ops(delta: Delta) -> None:
    told = fetch(
        delta.connection,
        "select date::text, source, oktmo, count, after - before from ops.restated_day order by oktmo, count",
    )
    counts = ("answered", "answered_on_time", "received")
    assert told == [("2026-02-09", "incident", "60704000", count, -1) for count in counts] + [
        ("2026-02-09", "incident", "60740000", count, 1) for count in counts
    ]
    assert delta.friday_before
    assert fetch(delta.connection, FRIDAY) == delta.friday_before, "a Friday that nothing is told of is as it was"


def test_a_full_build_changes_nothing_after_a_delta(delta: Delta) -> None:
    told = fetch(delta.connection, "select count(*) from ops.restated_day")
    build.build_marts(delta.dsn, delta.settings, delta.settings.state / "dbt", full_refresh=True)
    full = {name: sorted(row for row, _ in rows) for name, rows in contents(delta.connection).items()}
    assert [name for name in full if full[name] != sorted(row for row, _ in delta.after[name])] == []
    assert fetch(delta.connection, "select count(*) from ops.restated_day") == told


def test_a_reader_neither_delays_a_delta_nor_is_broken_by_it(
    built: Connection, built_dsn: str, news: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marts, "LOCK_ATTEMPTS", 1)
    with closing(psycopg2.connect(built_dsn)) as reader, reader.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        cursor.execute("select count(*) from bi.fct_message")
        ((before,),) = cursor.fetchall()
        build.build_marts(built_dsn, news, news.state / "dbt")
        cursor.execute("select count(*) from bi.fct_message")
        assert cursor.fetchall() == [(before,)]
        reader.rollback()
        cursor.execute("select count(*) from bi.fct_message")
        assert cursor.fetchall() == [(before + 1,)]


def test_a_delta_that_fails_leaves_the_marts_and_the_next_one_brings_all(
    built: Connection, built_dsn: str, news: Settings
) -> None:
    before = contents(built)
    run(built, "update raw.incident set created_at = 'когда-то' where source_key = '9001'")
    with pytest.raises(build.BuildError, match="fct_message"):
        build.build_marts(built_dsn, news, news.state / "dbt")
    assert contents(built) == before
    run(built, "update raw.incident set created_at = '2026-02-23 09:00:00' where source_key = '9001'")
    build.build_marts(built_dsn, news, news.state / "dbt")
    moved_and_new = "select message_id from bi.fct_message where oktmo = '60740000' and source = 'incident' order by 1"
    assert ("incident:2001",) in fetch(built, moved_and_new)
    assert ("incident:9001",) in fetch(built, moved_and_new)


def test_another_seed_or_setting_makes_a_full_build(
    built: Connection, news: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = dbt.fingerprint(news)
    assert marts.begin(built, "test", news.sources, fingerprint).is_delta
    other_region = Settings.from_env({"MCU_REGION": "Краснодарский край", "MCU_STATE": str(tmp_path)})
    project = tmp_path / "dbt_project"
    for folder in ("macros", "models", "seeds"):
        (project / folder).mkdir(parents=True)
    (project / "dbt_project.yml").write_bytes((dbt.DBT_PROJECT / "dbt_project.yml").read_bytes())
    (project / "seeds" / "topic_aliases.csv").write_text("another one", encoding="utf-8")
    others = [dbt.fingerprint(other_region)]
    monkeypatch.setattr(dbt, "DBT_PROJECT", project)
    others.append(dbt.fingerprint(news))
    for other in others:
        assert other != fingerprint
        reason = marts.begin(built, "test", news.sources, other).full_because
        assert reason == "models, seeds or settings differ from those of the published build"


def test_a_great_catch_up_is_a_full_build(built: Connection, news: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marts, "MOST_ROWS_OF_A_DELTA", 1)
    assert marts.begin(built, "test", news.sources, dbt.fingerprint(news)).full_because == "2 new row versions"


def test_a_source_that_begins_earlier_makes_a_full_build(
    built: Connection, built_dsn: str, settings: Settings, tmp_path: Path
) -> None:
    workbooks.write_incidents(
        tmp_path / "incidents_2026-02-01_01-00.xlsx", [{**MOVED, "im_id": 1, "created_at": "2026-01-30 10:00:00"}]
    )
    settings = Settings.from_env({"MCU_INBOX": str(tmp_path), "MCU_STATE": str(settings.state)})
    assert Loader(built_dsn, "incident", settings, "test").run().published
    build.build_marts(built_dsn, settings, settings.state / "dbt")
    reason = "select full_because from ops.mart_build order by build_id desc limit 1"
    assert fetch(built, reason) == [("the first day of a source moved",)]
    assert fetch(built, "select min(week_start)::text from bi.rpt_weekly_region") == [("2026-01-26",)]
