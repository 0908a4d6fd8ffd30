"""The contract with readers of `bi`: kept by the project, the tables and dbt; and one version beside another."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.reports import query
from mcu.reports.period import Period, Report
from mcu.settings import Settings
from mcu.transform import dbt, marts
from stack import contract
from stack.manifest import Manifest
from stack.postgres import READER, Cluster
from tests.integration.transform.test_publish_marts import begin, build_copy, fetch

pytestmark = pytest.mark.postgres

# Views whose rows lie in a table of the state: it has the primary key in their place.
STATE_OF = {
    "fct_message": "message_current",
    "fct_municipality_daily": "municipality_daily",
    "rpt_daily_overdue": "message_overdue",
}


@pytest.fixture
def reader(postgres_server: Cluster, built_database: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(postgres_server.dsn(built_database, READER))) as connection:
        yield connection


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project, which dbt builds from now on."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(dbt.DBT_PROJECT, copy)
    monkeypatch.setattr(dbt, "DBT_PROJECT", copy)
    return copy


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    assert change(before) != before
    path.write_text(change(before), encoding="utf-8")


def test_every_mart_says_all_that_a_contract_needs(manifest: Manifest) -> None:
    """A new mart: see CONTRIBUTING.md, «A mart»."""
    missing = []
    for mart in manifest.marts():
        texts = {"description": mart.text, **{column.name: column.text for column in mart.columns}}
        for what, text in texts.items():
            if not (re.search("[а-яё]", text.ru) and re.search("[a-z]", text.en)):
                missing.append(f"{mart.name}, {what}: «Русский текст. / English text.»")
        missing += [f"{mart.name}, {column.name}: data_type" for column in mart.columns if not column.type]
        missing += [f"{mart.name}: versions"] * (mart.version is None)
        missing += [f"{mart.name}: a test of its grain"] * (not mart.grain)
        if not manifest.content["nodes"][mart.node_id]["config"]["contract"]["enforced"]:
            missing.append(f"{mart.name}: contract")
    assert missing == []


def test_the_project_keeps_what_was_promised(manifest: Manifest) -> None:
    now = contract.of_marts(manifest.marts())
    assert contract.breaks(contract.read(), now) == [], "publish a new version: docs/adr/0009-marts-keep-a-contract.md"
    assert contract.FILE.read_text(encoding="utf-8") == contract.text(now), "`make contract` takes in what is new"


def test_readers_see_the_columns_that_were_promised(reader: Connection) -> None:
    """Order and exact type too, which dbt does not compare."""
    columns = fetch(
        reader,
        "select relname::text, attname::text, format_type(atttypid, atttypmod) from pg_attribute"
        " join pg_class on pg_class.oid = attrelid where relnamespace = 'bi'::regnamespace and attnum > 0"
        " order by relname, attnum",
    )
    promised = [(mart, *column) for (mart, _), columns in contract.read().items() for column in columns]
    assert columns == promised


def test_readers_see_what_each_column_means_in_both_languages(reader: Connection, manifest: Manifest) -> None:
    comments = dict(
        fetch(
            reader,
            "select relname || coalesce('.' || attname, ''), description from pg_description"
            " join pg_class on pg_class.oid = objoid and classoid = 'pg_class'::regclass"
            " left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0"
            " where relnamespace = 'bi'::regnamespace",
        )
    )
    expected = {}
    for mart in manifest.marts():
        expected[mart.name] = f"{mart.text.ru} / {mart.text.en} [версия / version {mart.version}]"
        expected.update(
            {f"{mart.name}.{column.name}": f"{column.text.ru} / {column.text.en}" for column in mart.columns}
        )
    assert comments == expected
    without = [name for name, text in comments.items() if not (re.search("[а-яё]", text) and re.search("[a-z]", text))]
    assert without == []


def test_every_table_has_its_grain_as_primary_key_and_no_index_twice(built: Connection, manifest: Manifest) -> None:
    keys = dict(
        fetch(
            built,
            "select relname::text, array(select attname::text from unnest(conkey) with ordinality as k (number, place)"
            " join pg_attribute on attrelid = conrelid and attnum = number order by place) from pg_constraint"
            " join pg_class on pg_class.oid = conrelid"
            " where contype = 'p' and connamespace = 'marts'::regnamespace",
        )
    )
    for mart in manifest.marts():
        if mart.name == "rpt_daily_overdue":
            assert keys["message_overdue"] == ["message_id"], "its rows are days of a span"
        else:
            assert set(keys[STATE_OF.get(mart.name, mart.name)]) == set(mart.grain), mart.name
    twice = fetch(
        built,
        "select indrelid::regclass, array_agg(indexrelid::regclass) from pg_index"
        " join pg_class on pg_class.oid = indrelid where relnamespace = 'marts'::regnamespace"
        " group by indrelid, indkey::text having count(*) > 1",
    )
    assert twice == []


def test_dbt_refuses_a_build_that_breaks_the_contract(
    built_dsn: str, settings: Settings, project: Path, tmp_path: Path
) -> None:
    core = project / "models" / "marts" / "core"
    edit(core / "dim_channel.sql", lambda sql: sql.replace("name_ru\n", "name_ru,\n        1 as note\n"))
    edit(core / "dim_municipality.sql", lambda sql: sql.replace("population,", "population::text as population,"))
    twice = "select * from dim_source\nunion all\nselect * from dim_source\n"
    edit(core / "dim_source.sql", lambda sql: sql.replace("select * from dim_source\n", twice))
    edit(
        core / "dim_calendar.sql",
        lambda sql: sql.replace("calendar.is_working_day,", "null::boolean as is_working_day,"),
    )
    selected = ("dim_channel", "dim_municipality", "dim_source", "dim_calendar")
    outcome = dbt.build(built_dsn, settings, selected, tmp_path / "target")
    assert outcome.returncode != 0
    failed = {line.split(":")[0].split(".")[2]: line for line in outcome.failures}
    assert "enforced contract" in failed["dim_channel"]
    assert "note" in failed["dim_channel"]
    assert "enforced contract" in failed["dim_municipality"]
    assert "population" in failed["dim_municipality"]
    assert "duplicate key" in failed["dim_source"]
    assert 'null value in column "is_working_day"' in failed["dim_calendar"]


def test_a_second_version_stands_beside_the_first(
    built: Connection, built_dsn: str, settings: Settings, project: Path, tmp_path: Path
) -> None:
    core = project / "models" / "marts" / "core"
    second = (core / "dim_channel.sql").read_text(encoding="utf-8").replace("name_ru\n", "name_ru as name\n")
    (core / "dim_channel_v2.sql").write_text(second, encoding="utf-8")
    edit(
        core / "dim_channel.yml",
        lambda yml: yml.replace(
            "        defined_in: dim_channel\n",
            "        defined_in: dim_channel\n"
            "      - v: 2\n"
            "        columns:\n"
            "          - include: all\n"
            "            exclude: [name_ru]\n"
            "          - name: name\n"
            "            data_type: text\n"
            "            constraints: [{type: not_null}]\n"
            "            description: '{{ doc(\"channel_name_ru\") }}'\n",
        ),
    )
    build_id = begin(built)
    build_copy(built)
    outcome = dbt.build(built_dsn, settings, ("dim_channel",), tmp_path / "target")
    assert outcome.failures == []
    assert {"dim_channel", "dim_channel_v2"} <= set(marts.publish(built, build_id))
    assert fetch(built, "select channel, name_ru from bi.dim_channel order by 1") == fetch(
        built, "select channel, name from bi.dim_channel_v2 order by 1"
    )
    ((first, second),) = fetch(
        built, "select obj_description('bi.dim_channel'::regclass), obj_description('bi.dim_channel_v2'::regclass)"
    )
    assert first.endswith("[версия / version 1]")
    assert second.endswith("[версия / version 2]")

    now = contract.of_marts(Manifest.parse(tmp_path / "target", project).marts())
    assert contract.breaks(contract.read(), now) == []
    assert now["dim_channel_v2", "2"] == [("channel", "text"), ("name", "text")]


class _Recording(Cursor):
    """Notes which views of `bi` are selected from; locking them is not reading."""

    seen: set[str]

    def execute(self, statement: Any, parameters: Any = None) -> None:
        if not statement.startswith("lock"):
            _Recording.seen |= set(re.findall(r"bi\.(\w+)", statement))
        super().execute(statement, parameters)


@pytest.mark.parametrize(("report", "start"), [("weekly", date(2026, 2, 16)), ("daily", date(2026, 2, 20))])
def test_the_exposures_name_what_the_reports_read(
    postgres_server: Cluster, built_database: str, manifest: Manifest, report: Report, start: date
) -> None:
    _Recording.seen = set()
    dsn = postgres_server.dsn(built_database, READER)
    with closing(psycopg2.connect(dsn, cursor_factory=_Recording)) as connection:
        query.read(connection, Period(report, start), "Ростовская область", ZoneInfo("Europe/Moscow"))
    exposure = manifest.content["exposures"][f"exposure.mcu.report_{report}"]
    named = {mart.name for mart in manifest.marts() if mart.node_id in exposure["depends_on"]["nodes"]}
    assert named == _Recording.seen
    assert len(named) == len(exposure["depends_on"]["nodes"])
