"""The whole corpus of broken exports in one inbox: nothing crashes, nothing is lost, every fault is named."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mcu.landing import schema
from mcu.landing.load import Loader, Summary
from mcu.landing.store import printable
from mcu.settings import Settings
from mcu.sources.columns import SOURCES
from stack.postgres import Cluster
from tests.broken_exports import CASES, JINJA, PASSED_OVER, QUARANTINED, REFUSED, SCRIPT, WARNED, Case

pytestmark = pytest.mark.postgres

LONG_AGO = 1_767_225_600  # seconds; a file without an end that is younger waits for it
TABLES = {"pos": "raw.pos_message", "incident": "raw.incident"}
WHAT_IS_KEPT = (*TABLES.values(), "raw.last_seen", "ops.quarantine", "ops.load", "ops.load_day", "ops.load_cabinet")
READ = [case for case in CASES if case.happens not in (REFUSED, PASSED_OVER)]


class House:
    """The corpus, loaded once."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._inbox = folder / "inbox"
        self._inbox.mkdir()
        self.state = folder / "state"
        for number, case in enumerate(CASES):
            path = case.path(self._inbox, number)
            case.write(path, 1_000_000 + 100 * number)
            os.utime(path, (LONG_AGO, LONG_AGO))
        self.summaries = self.load()

    def load(self) -> list[Summary]:
        environment = {"MCU_INBOX": str(self._inbox), "MCU_STATE": str(self.state)}
        return [Loader(self._dsn, source, Settings.from_env(environment), f"{source} run").run() for source in SOURCES]

    def ask(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self._dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    def uri(self, case: Case) -> str:
        return printable(case.path(self._inbox, CASES.index(case)).name)

    def kept(self) -> list[list[tuple[Any, ...]]]:
        return [self.ask(f"select t::text from {table} as t order by 1") for table in WHAT_IS_KEPT]


@pytest.fixture(scope="module")
def house(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> House:
    name = "broken_exports"
    postgres_server.ensure_database(name)
    with closing(psycopg2.connect(postgres_server.dsn(name))) as connection:
        schema.apply(connection)
        connection.commit()
    return House(postgres_server.dsn(name), tmp_path_factory.mktemp("broken"))


def by_what_is_wrong(case: Case) -> str:
    return case.wrong


def test_nothing_crashes(house: House) -> None:
    for summary in house.summaries:
        assert summary.failed == {}
        assert summary.waiting == {}
    assert house.ask("select status, count(*)::integer from ops.load group by status order by status") == [
        ("published", len(READ)),
        ("refused", sum(case.happens == REFUSED for case in CASES)),
    ]
    assert house.ask("select tablename from pg_tables where schemaname = 'stage'") == []


@pytest.mark.parametrize("case", [case for case in CASES if case.happens == REFUSED], ids=by_what_is_wrong)
def test_a_refused_file_is_named_with_the_reason(house: House, case: Case) -> None:
    uri = house.uri(case)
    ((source, status, error),) = house.ask("select source, status, error from ops.load where uri = %(uri)s", uri=uri)
    assert (source, status) == (case.source, "refused")
    assert error.startswith(f"{uri}: ")
    assert case.message in error
    assert error.isprintable()


@pytest.mark.parametrize("case", READ, ids=by_what_is_wrong)
def test_every_row_of_a_file_is_somewhere(house: House, case: Case) -> None:
    ((load_id, source, sheet, *counts),) = house.ask(
        "select load_id, source, sheet, rows_read, rows_new + rows_changed, rows_unchanged, rows_quarantined "
        "from ops.load where uri = %(uri)s and status = 'published'",
        uri=house.uri(case),
    )
    assert (source, sheet) == (case.source, "Лист1")
    stored = set(case.rows) - set(case.quarantined) - set(case.repeated)
    assert counts == [len(case.rows), len(stored), len(case.repeated), len(case.quarantined)]
    raw = house.ask(f"select row_number from {TABLES[source]} where load_id = %(load)s", load=load_id)
    assert {number for (number,) in raw} == stored
    waiting = house.ask("select row_number from ops.quarantine where load_id = %(load)s", load=load_id)
    assert {number for (number,) in waiting} == set(case.quarantined)


@pytest.mark.parametrize("case", [case for case in READ if case.stored], ids=by_what_is_wrong)
def test_texts_are_stored_as_they_came(house: House, case: Case) -> None:
    ((stored,),) = house.ask(
        f"select to_jsonb(raw) from {TABLES[case.source]} as raw join ops.load using (load_id) "
        "where uri = %(uri)s and row_number = %(row)s",
        uri=house.uri(case),
        row=case.rows[0],
    )
    assert stored | case.stored == stored


@pytest.mark.parametrize("case", [case for case in CASES if case.happens == QUARANTINED], ids=by_what_is_wrong)
def test_a_quarantined_row_is_kept_whole_with_the_reason(house: House, case: Case) -> None:
    found = house.ask(
        "select payload, reasons from ops.quarantine join ops.load using (load_id) where uri = %(uri)s",
        uri=house.uri(case),
    )
    assert len(found) == len(case.quarantined)
    for payload, reasons in found:
        assert any(case.message in reason for reason in reasons)
        assert payload["epgu_number" if case.source == "pos" else "municipality"]


@pytest.mark.parametrize("case", [case for case in CASES if case.happens == WARNED], ids=by_what_is_wrong)
def test_a_warning_is_recorded(house: House, case: Case) -> None:
    warnings = house.ask(
        "select sentence from ops.validation_result where batch = %(uri)s and not is_passed", uri=house.uri(case)
    )
    assert case.message in "\n".join(sentence for (sentence,) in warnings)


def test_what_is_passed_over_leaves_no_trace(house: House) -> None:
    for case in CASES:
        if case.happens == PASSED_OVER:
            assert house.ask("select from ops.load where uri = %(uri)s", uri=house.uri(case)) == []


def test_data_docs_run_nothing_of_what_they_show(house: House) -> None:
    """Values of rows and names of files are shown as text."""
    pages = [page.read_text(encoding="utf-8") for page in (house.state / "data_docs").glob("**/*.html")]
    assert any("&lt;script&gt;alert" in page for page in pages), "values are shown"
    assert any("&lt;img src=x" in page for page in pages), "names are shown"
    for page in pages:
        assert SCRIPT not in page
        assert "<img src=x" not in page
        assert JINJA.replace("7 * 7", "49") not in page


def test_a_second_run_changes_nothing(house: House) -> None:
    before = house.kept()
    for summary in house.load():
        assert (summary.published, summary.refused, summary.failed, summary.waiting) == ({}, {}, {}, {})
    assert house.kept() == before
