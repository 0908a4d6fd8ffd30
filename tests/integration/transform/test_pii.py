"""Personal data apart: no column of `bi` and `marts` shows a person, `pii` shows them to its own role alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import connection as Connection

from mcu.landing.load import Loader
from mcu.settings import Settings
from mcu.transform.build import build_marts
from stack.postgres import PII_READER, Cluster
from tests import workbooks
from tests.integration.transform.test_publish_marts import fetch, run
from tests.workbooks import Cells

pytestmark = pytest.mark.postgres

DATABASE = "pii_built"

# A person in every column that may hold one, and a contact in every text that the marts show.
PERSONAL: dict[str, Cells] = {
    "incident": {
        "executor": "Тестовый-Исполнитель Пётр",
        "first_answer_text": "Отвечаем Авдотье Выдуманной",
        "post_url": "https://vk.com/wall777000777_1",
        "blog_url": "https://vk.com/avdotya_vydumannaya",
        "message_text": "Я, Авдотья Выдуманная, живу тут, звоните +7 (900) 000-11-22",
        "executor_answer_1": "Авдотья Выдуманная, сделаем",
        "executor_answer_2": "Авдотья Выдуманная, делаем",
        "executor_answer_3": "Авдотья Выдуманная, сделали",
        "author_url": "https://vk.com/id777000777",
        "answer_account_url": "https://vk.com/id777000778",
        "note": "Авдотья Выдуманная звонила",
        "tags": "Авдотья Выдуманная",
        "settlement": "хутор Выдуманный",
        "street": "улица Выдуманная",
        "house": "77000777",
        "object_name": "дом Выдуманной",
        "object_legacy": "двор Выдуманной",
        "closing_reason": "Авдотья Выдуманная довольна",
    },
    "pos": {
        "epgu_number": "7770007770",
        "sent_by_email": "avdotya@vydumannaya.example",
        "coordinator_name": "Тестовый-Координатор Пётр",
        "executor_name": "Тестовый-Исполнитель Иван",
        "manager_name": "Тестовый-Руководитель Иван",
    },
}
SHOWN = {
    "incident": (
        *("department", "topic_group", "topic", "region", "municipality"),
        *("current_step", "incident_type", "outcome", "closing_reason"),
    ),
    "pos": (
        *("category", "subcategory", "org_received", "org_current", "stage", "status", "resolution_type"),
        *("is_reconsidered", "law_kind"),
    ),
}
CONTACTS = (
    "+7 (900) 123-45-67",
    "89001234567",
    "8-900-123-45-67",
    "8 (863) 255 55 55",
    "(863) 255-55-55",
    "ivan.petrov@mail.example",
    "https://vk.com/id123456",
    "http://example.ru/profile?id=5",
    "www.example.ru/ivan",
    "vk.com/ivan_petrov",
    "m.vk.com/ivan_petrov",
    "ok.ru/profile/5123456",
    "t.me/ivan_petrov",
    "[id123456|Иван Петров]",
    "@id123456 (Иван Петров)",
)

PSEUDONYM = re.compile("[0-9a-f]{64}")
NO_CONTACT = "Акт № 123456789 от 02.02.2026 10:00, ул. 9 Мая, д. 5/7, 1 200 300 рублей"

# Written without a look at the macro that hides them.
LEAKS = {
    "phone": re.compile(r"(?<![\d.])(\+?[78])?[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d\d[\s-]*\d\d(?!\d)"),
    "e-mail": re.compile(r"\S@\S+\.\w"),
    "profile": re.compile(
        r"\b(vk\.com|vk\.ru|ok\.ru|t\.me|telegram\.me|facebook\.com|instagram\.com)/|https?:|@id\d|\|"
    ),
    "planted": re.compile(r"Выдуманн|Тестовый|7{3}0{3}7{3}|77000777|vydumann|Петров|petrov"),
}


def leaks(connection: Connection, *schemas: str) -> Iterator[str]:
    """A line for each column of the schemas that shows a person: table, column, what it is, the value."""
    columns = fetch(
        connection,
        "select table_schema, table_name, column_name from information_schema.columns"
        f" where table_schema = any(array{list(schemas)}) order by 1, 2, 3",
    )
    for schema, table, column in columns:
        values = sql.SQL("select distinct {}::text from {} where {} is not null").format(
            sql.Identifier(column), sql.Identifier(schema, table), sql.Identifier(column)
        )
        for (value,) in fetch(connection, values.as_string(connection)):
            if PSEUDONYM.fullmatch(value):
                continue  # its digits may look like a phone
            for kind, pattern in LEAKS.items():
                if pattern.search(value):
                    yield f"{schema}.{table}.{column}: {kind}: {value}"


def planted_rows(source: str) -> Iterator[Cells]:
    """Rows of one export: the persons, then a row a shown column and contact."""
    key = {"incident": "im_id", "pos": "pos_number"}[source]
    yield {key: "5000", **PERSONAL[source]}
    yield {key: "5001", {"incident": "outcome", "pos": "resolution_type"}[source]: NO_CONTACT}
    number = 5002
    for field in SHOWN[source]:
        for contact in CONTACTS:
            yield {key: str(number), field: f"Пишите {contact} срочно"}
            number += 1


@pytest.fixture(scope="module")
def pii_dsn(postgres_server: Cluster, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pii")
    settings = Settings.from_env({"MCU_INBOX": str(folder / "inbox"), "MCU_STATE": str(folder / "state")})
    for source in settings.sources:
        file = Path(settings.inbox, f"{source}_2026-02-23_01-00.xlsx")
        samples = workbooks.SAMPLES[source]
        workbooks.write(file, source, [{**samples, **row} for row in planted_rows(source)])
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {DATABASE} template {_template} owner mcu")
        dsn = postgres_server.dsn(DATABASE)
        for source in settings.sources:
            (done,) = Loader(dsn, source, settings, "test").run().published.values()
            assert done.new == 2 + len(SHOWN[source]) * len(CONTACTS)
        build_marts(dsn, settings, settings.state / "dbt")
        yield dsn
        cursor.execute(f"drop database {DATABASE} with (force)")


@pytest.fixture
def pii(pii_dsn: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(pii_dsn)) as connection:
        yield connection


def test_no_column_of_the_marts_shows_a_person(pii: Connection) -> None:
    assert list(leaks(pii, "bi", "marts")) == []


def test_only_the_contact_is_hidden(pii: Connection) -> None:
    for source in PERSONAL:
        outcomes = f"select outcome, count(*) from bi.fct_message where source = '{source}' group by 1"
        hidden, plain = fetch(pii, outcomes + " having min(outcome) <> 'Решено' order by 1 desc")
        assert hidden == ("Пишите (скрыто) срочно", len(CONTACTS))
        assert plain == (NO_CONTACT, 1)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("message_current", "outcome", "звонить +7 900 123-45-67"),
        ("message_current", "executor", "Отдел Выдуманной Авдотьи"),
        ("fct_message_event", "value_after", "vk.com/id5"),
        ("rpt_unmapped", "value", "ivan@mail.example"),
        ("dim_topic", "topic", "https://ok.ru/profile/5"),
    ],
)
def test_the_scan_sees_a_person_in_either_schema(pii: Connection, table: str, column: str, value: str) -> None:
    (before,) = fetch(pii, f"select ctid::text, {column} from marts.{table} limit 1")
    run(pii, f"update marts.{table} set {column} = '{value}' where ctid = '{before[0]}'")
    found = list(leaks(pii, "bi", "marts"))
    planted = f"select ctid from marts.{table} where {column} = '{value}'"
    with pii, pii.cursor() as cursor:
        cursor.execute(f"update marts.{table} set {column} = %s where ctid = ({planted})", (before[1],))
    shown = {table.replace("message_current", "fct_message"), table}
    places = {f"marts.{table}.{column}", *(f"{schema}.{mart}.{column}" for schema in ("bi", "marts") for mart in shown)}
    assert {line.split(":")[0] for line in found} == places - {
        "bi.message_current.outcome",
        "bi.message_current.executor",
    }
    assert list(leaks(pii, "bi", "marts")) == []


def test_the_scan_sees_a_new_column(pii: Connection) -> None:
    run(pii, "create table marts.new_mart as select message_text as new_column from pii.message_person")
    found = list(leaks(pii, "marts"))
    run(pii, "drop table marts.new_mart")
    assert {line.split(":")[0] for line in found} == {"marts.new_mart.new_column"}


def test_persons_stand_in_pii_by_message(pii: Connection) -> None:
    for source, cells in PERSONAL.items():
        ((kept,),) = fetch(pii, f"select to_jsonb(p) from pii.message_person as p where message_id = '{source}:5000'")
        for field, value in cells.items():
            if field != "closing_reason":
                assert kept[field] == value
    assert fetch(pii, "select count(*) from pii.message_person") == fetch(pii, "select count(*) from bi.fct_message")
    assert fetch(pii, "select count(*) from pg_tables where schemaname = 'pii_build'") == [(0,)]


def test_an_author_is_counted_by_pseudonym(pii: Connection) -> None:
    counts = "select count(*) from bi.fct_message where source = 'incident' group by author order by 1"
    assert fetch(pii, counts) == [(1,), (1 + len(SHOWN["incident"]) * len(CONTACTS),)]
    assert fetch(pii, "select distinct author from bi.fct_message where source = 'pos'") == [(None,)]
    assert fetch(
        pii,
        "select author = pii.author_pseudonym('vk.com/id777000777'),"
        " executor = pii.pseudonym('тестовый-исполнитель петр')"
        " from bi.fct_message where message_id = 'incident:5000'",
    ) == [(True, True)]


def test_a_reader_of_pii_sees_it_and_nothing_else(postgres_server: Cluster, pii: Connection) -> None:
    schemas = ["bi", "ops", "raw", "stage", "staging", "intermediate", "marts"]
    others = fetch(
        pii,
        f"select schemaname || '.' || tablename from pg_tables where schemaname = any(array{schemas})"
        f" union all select schemaname || '.' || viewname from pg_views where schemaname = any(array{schemas})",
    )
    with closing(psycopg2.connect(postgres_server.dsn(DATABASE, PII_READER))) as reader:
        assert fetch(reader, "select count(*) from pii.message_person")[0][0] > 0
        for (name,) in [*others, ("pii.pseudonym_key",)]:
            with pytest.raises(InsufficientPrivilege):
                fetch(reader, f"select * from {name}")
        for statement in ("delete from pii.message_person", "create table pii.mine (a integer)"):
            with pytest.raises(InsufficientPrivilege):
                run(reader, statement)


def test_the_secret_stands_in_no_file_of_the_build(pii_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = os.environ["MCU_PSEUDONYM_SECRET"].encode()
    files = [path for path in tmp_path_factory.getbasetemp().glob("pii*/state/**/*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if secret in path.read_bytes()]
