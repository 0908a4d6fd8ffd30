"""Forgetting: nothing of the person is left anywhere, every number is as it was, and no export brings them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from mcu.landing.emptying import Forgotten
from mcu.landing.forget import BuildIsRunningError, ForgetError, forget
from mcu.landing.load import Loader
from mcu.landing.replay import replay
from mcu.operators.forget import ForgetAuthorOperator
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.postgres import Cluster
from tests import workbooks
from tests.integration.transform.test_publish_marts import fetch, run
from tests.workbooks import Cells

pytestmark = pytest.mark.postgres

PAGE = "https://vk.com/id777000777"
# All that tells of the person has this in it, and nothing else has.
MARK = "vydumann"
PERSON: Cells = {
    "author_url": PAGE,
    "post_url": f"https://vk.com/wall_{MARK}_1",
    "blog_url": f"https://vk.com/{MARK}",
    "message_text": f"Я {MARK}, звоните +7 (900) 000-99-22",
    "first_answer_text": f"Здравствуйте, {MARK}",
    "executor_answer_1": f"{MARK}, сделаем",
    "executor_answer_2": f"{MARK}, делаем",
    "executor_answer_3": f"{MARK}, сделали",
    "answer_account_url": f"https://vk.com/to_{MARK}",
    "note": f"звонила {MARK}",
    "tags": f"{MARK}",
    "settlement": f"хутор {MARK}",
    "street": f"улица {MARK}",
    "house": f"7 {MARK}",
    "object_name": f"дом {MARK}",
    "object_legacy": f"двор {MARK}",
    "outcome": f"Решено, {MARK}@mail.example",
    "Новый столбец": f"и тут {MARK}",
}
TRACES = (MARK, "id777000777", "000-99-22")
OTHER: Cells = {"author_url": "https://vk.com/id5", "note": "о другом", "im_id": "2001"}


class House:
    """A warehouse with an inbox."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.settings = Settings.from_env({"MCU_INBOX": str(folder / "inbox"), "MCU_STATE": str(folder / "state")})
        self.state = self.settings.state
        self._connection = psycopg2.connect(dsn)

    def close(self) -> None:
        self._connection.close()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        return fetch(self._connection, statement)

    def run(self, *statements: str) -> None:
        run(self._connection, *statements)

    def export(self, name: str, *rows: Cells) -> None:
        """Put an export into the inbox and load it."""
        file = Path(self.settings.inbox, f"{name}.xlsx")
        extra = ["Новый столбец"]
        workbooks.write(file, "incident", [{**workbooks.INCIDENT, **row} for row in rows], extra=extra)
        self.load("incident")

    def load(self, source: str) -> None:
        summary = Loader(self.dsn, source, self.settings, "test").run()
        assert summary.published
        assert not summary.failed

    def build(self) -> None:
        build_marts(self.dsn, self.settings, self.state / "dbt")

    def forget(self, **who: Any) -> Forgotten:
        return forget(self.dsn, self.state, by="инженер", run_id="test", **who)

    def marts(self) -> dict[str, list[Any]]:
        """Every row of every mart as text, without the pseudonym of an author."""
        names = [name for (name,) in self.ask("select viewname from pg_views where schemaname = 'bi' order by 1")]
        return {
            name: self.ask(f"select (to_jsonb(t) - 'author')::text from bi.{name} as t order by 1") for name in names
        }

    def traces(self, traces: Sequence[str] = TRACES) -> list[str]:
        """Each column of the database and file of the state folder that has something of the person."""
        return [*_columns_with_traces(self._connection, traces), *_files_with_traces(self.state, traces)]


def _columns_with_traces(connection: Connection, traces: Sequence[str]) -> Iterator[str]:
    columns = fetch(
        connection,
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, 3",
    )
    for schema, table, column in columns:
        name, relation = sql.Identifier(column), sql.Identifier(schema, table)
        query = sql.SQL("select exists (select from {} where {}::text like any ({}))").format(
            relation, name, sql.Literal([f"%{trace}%" for trace in traces])
        )
        if fetch(connection, query.as_string(connection)) == [(True,)]:
            yield f"{schema}.{table}.{column}"


def _files_with_traces(folder: Path, traces: Sequence[str]) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and any(trace.encode() in path.read_bytes() for trace in traces):
            yield str(path.relative_to(folder))


@pytest.fixture(scope="module")
def house(postgres_server: Cluster, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two messages of the person in two exports, one in quarantine, another author's message, built; a failed load."""
    database = "forget"
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {database} template {_template} owner mcu")
        house = House(postgres_server.dsn(database), tmp_path_factory.mktemp("forget"))
        first, second = {"im_id": "1001", **PERSON}, {"im_id": "1002", **PERSON, "closing_reason": "5"}
        broken = {"im_id": "1003", **PERSON, "created_at": f"когда {MARK}"}
        house.export("И_2026-02-10_01-00", first, OTHER)
        house.export("И_2026-02-12_01-00", {**first, "note": f"ещё раз {MARK}"}, second, broken, OTHER)
        workbooks.write_pos(
            Path(
                house.settings.inbox,
                "П_2026-02-12_01-00.xlsx",
            ),
            [{"epgu_number": f"7{MARK}"}],
        )
        house.load("pos")
        house.build()
        house.run(
            "insert into ops.load (source, uri, sha256, status, error)"
            f" values ('incident', 'x.xlsx', 'x', 'failed', 'COPY, line 3: \"1001,«звонила {MARK}»\"')"
        )
        yield house
        house.close()
        cursor.execute(f"drop database {database} with (force)")


def test_the_whole_story(house: House) -> None:
    before, ledger = house.marts(), house.ask("select * from ops.reconciliation order by 1, 2, 5")
    raw = "select source_key, exported_at, content_hash, created_at from raw.incident order by 1, 2, 3"
    versions = house.ask(raw)
    found = house.traces()
    for place in ("raw.incident.message_text", "raw.incident.extra", "ops.quarantine.payload", "ops.load.error"):
        assert place in found
    for place in ("pii.message_person.street", "ops.validation_result.observed", "ops.quarantine.reasons"):
        assert place in found
    assert any(place.startswith("data_docs") for place in found)

    # A dry run counts and touches nothing.
    counted = house.forget(author=PAGE, dry_run=True)
    assert counted.messages == 2
    assert counted.versions == 3
    assert counted.quarantined == 1
    assert counted.results >= 1
    assert counted.errors == 1
    assert house.traces() == found
    assert house.ask("select count(*) from ops.forgotten") == [(0,)]

    assert house.forget(author=f"{PAGE}/?from=feed") == counted
    house.forget(message_ids=["pos:327441806"])
    assert house.traces() == []
    assert house.marts() == before
    assert house.ask("select * from ops.reconciliation order by 1, 2, 5") == ledger
    assert house.ask(raw) == versions
    assert house.ask("select author is null, count(*) from bi.fct_message where source = 'incident' group by 1") == [
        (False, 1),
        (True, 2),
    ]
    assert house.ask(
        "select forgotten_by, messages, versions, quarantined, errors from ops.forgotten order by 1, 2"
    ) == [
        ("инженер", 1, 1, 0, 0),
        ("инженер", 2, 3, 1, 1),
    ]

    # A build from what is left gives the same.
    house.build()
    assert house.marts() == before
    assert house.traces() == []

    # The same rows in another export are no change; a changed one comes without the person; so does a quarantined one.
    first, second = {"im_id": "1001", **PERSON}, {"im_id": "1002", **PERSON, "closing_reason": "5"}
    house.export("И_2026-02-13_01-00", {**first, "note": f"ещё раз {MARK}"}, second, OTHER)
    assert house.ask("select rows_new, rows_changed, rows_unchanged from ops.load order by load_id desc limit 1") == [
        (0, 0, 3)
    ]
    house.export("И_2026-02-14_01-00", {**first, "topic": "Другая тема"}, {**second, "im_id": "1003"}, OTHER)
    assert house.ask("select rows_new, rows_changed, rows_unchanged from ops.load order by load_id desc limit 1") == [
        (1, 1, 1)
    ]
    # An older export with a message that nobody knew, and one that is older than all others.
    house.export("И_2026-02-09_01-00", first, {"im_id": "1004", **PERSON}, {**OTHER, "im_id": "2002"})
    replay(house.dsn, "incident", house.settings, "test")
    house.build()
    assert house.traces() == []
    assert house.ask("select distinct rows_unexplained from ops.reconciliation") == [(0,)]
    assert house.ask("select topic from bi.fct_message where message_id = 'incident:1001'") == [("Другая тема",)]
    assert house.ask("select message_id from bi.fct_message where author is not null order by 1") == [
        ("incident:2001",),
        ("incident:2002",),
    ]
    assert house.ask("select count(*) from bi.fct_message where source = 'incident'") == [(6,)]
    assert house.ask("select distinct channel from bi.fct_message where source = 'incident'") == [("vk",)]

    # Once more changes nothing.
    kept = house.marts()
    assert house.forget(author=PAGE).messages == 4
    assert house.marts() == kept


def test_a_new_message_of_the_author_is_a_new_consent(house: House) -> None:
    assert house.ask("select count(*) from ops.forgotten where author is not null")[0][0] > 0
    house.run("update ops.forgotten set forgotten_at = '2026-02-01'")
    house.export("И_2026-02-15_01-00", {"im_id": "1009", **PERSON})
    ((kept,),) = house.ask("select note from raw.incident where source_key = '1009'")
    assert kept == PERSON["note"]


def test_others_keep_what_they_wrote(house: House) -> None:
    ((kept,),) = house.ask("select to_jsonb(i) from raw.incident as i where source_key = '2001' limit 1")
    for field, value in OTHER.items():
        if field != "im_id":
            assert kept[field] == value
    assert kept["message_text"]
    assert house.ask("select count(*) from ops.forgotten_message where source_key like '2%'") == [(0,)]


def test_who_is_not_known_is_told(house: House) -> None:
    with pytest.raises(ForgetError, match="incident:9999"):
        house.forget(message_ids=["incident:1001", "incident:9999"])
    with pytest.raises(ForgetError, match="either"):
        house.forget()
    with pytest.raises(ForgetError, match="either"):
        house.forget(author=PAGE, message_ids=["incident:1001"])
    with pytest.raises(ForgetError, match="address"):
        house.forget(author="https://")


def test_a_build_that_has_read_the_person_is_not_overtaken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run("insert into ops.mart_build (run_id, status) values ('test', 'running')")
    with pytest.raises(BuildIsRunningError):
        house.forget(author=PAGE)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", house.dsn)
    with pytest.raises(AirflowException, match="being built") as refusal:
        operate(house, monkeypatch, author=PAGE)
    assert not isinstance(refusal.value, AirflowFailException)  # it is tried again
    house.run("update ops.mart_build set status = 'failed' where status = 'running'")


def test_the_task_returns_counts_alone(house: House, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    caplog.set_level("INFO")
    returned = operate(house, monkeypatch, author=PAGE, dry_run=True)
    assert returned["messages"] >= 1
    assert set(returned) == {"messages", "versions", "quarantined", "results", "errors"}
    assert not any(trace in caplog.text for trace in TRACES)
    with pytest.raises(AirflowFailException, match="No such"):
        operate(house, monkeypatch, message_ids=["pos:0"])


def operate(house: House, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> dict[str, int]:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", house.dsn)
    monkeypatch.setenv("MCU_STATE", str(house.state))
    context: Any = {
        "params": {"author": None, "message_ids": [], "dry_run": False, **parameters},
        "dag_run": SimpleNamespace(triggering_user_name="admin"),
        "run_id": "manual",
    }
    return ForgetAuthorOperator(task_id="forget").execute(context)


def test_the_traces_are_looked_for_everywhere(house: House) -> None:
    house.run(f'create table ops.planted as select \'{{"a": "{MARK}"}}\'::jsonb as document')
    (house.state / "planted.txt").write_text(MARK)
    found = house.traces()
    house.run("drop table ops.planted")
    (house.state / "planted.txt").unlink()
    assert {"ops.planted.document", "planted.txt"} <= set(found)
