"""Pseudonyms: HMAC-SHA256 as Python has it, under a key that nobody but the owner can read."""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, RaiseException
from psycopg2.extensions import connection as Connection

from mcu.landing import pseudonym, schema
from stack.paths import StackError
from stack.postgres import PII_READER, Cluster
from stack.warehouse import Warehouse

pytestmark = pytest.mark.postgres

SECRET = os.environ[pseudonym.VARIABLE]


def ask(connection: Connection, statement: str, *values: object) -> object:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        ((answer,),) = cursor.fetchall()
        return answer


def hmac_of(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def set_key(connection: Connection, secret: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from pii.pseudonym_key")
        pseudonym.keep_key(cursor, secret)


@pytest.mark.parametrize("secret", ["x" * 16, "к" * 32, "y" * 64, "ключ длиннее блока " * 9], ids=len)
@pytest.mark.parametrize("text", ["петров иван", "a", "имя " * 100 + "конец"], ids=len)
def test_a_pseudonym_is_hmac_sha256(warehouse: Connection, secret: str, text: str) -> None:
    set_key(warehouse, secret)
    assert ask(warehouse, "select pii.pseudonym(%s)", text) == hmac_of(text, secret)


@pytest.mark.parametrize("text", ["Семёнов  Пётр", " семенов петр\n", "СЕМЁНОВ\u00a0ПЕТР".replace("\u00a0", "\t")])
def test_one_name_however_written_has_one_pseudonym(warehouse: Connection, text: str) -> None:
    assert ask(warehouse, "select pii.pseudonym(%s)", text) == hmac_of("семенов петр")


@pytest.mark.parametrize(
    "url",
    [
        "https://vk.com/id123",
        "http://m.vk.com/ID123/",
        "vk.com/id123?from=feed",
        "www.vk.com/id123#wall",
        " VK.com/id123",
    ],
)
def test_one_page_however_written_has_one_pseudonym(warehouse: Connection, url: str) -> None:
    assert ask(warehouse, "select pii.author_pseudonym(%s)", url) == hmac_of("vk.com/id123")


def test_pages_that_differ_have_different_pseudonyms(warehouse: Connection) -> None:
    urls = [f"https://{page}" for page in ("vk.com/id1", "vk.com/id12", "facebook.com/profile.php?id=1", "vk.com/")]
    urls.append("https://facebook.com/profile.php?id=2")
    distinct = "select count(distinct pii.author_pseudonym(url)) from unnest(%s) as url"
    assert ask(warehouse, distinct, urls) == len(urls)


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_nothing_has_no_pseudonym(warehouse: Connection, text: str | None) -> None:
    assert ask(warehouse, "select pii.pseudonym(%s)", text) is None
    assert ask(warehouse, "select pii.author_pseudonym(%s)", text) is None


def test_the_key_stays_and_another_one_is_refused(warehouse: Connection) -> None:
    before = ask(warehouse, "select pii.pseudonym('имя')")
    schema.apply(warehouse, SECRET)
    with pytest.raises(pseudonym.SecretError, match="not the one") as refusal:
        schema.apply(warehouse, "another secret of some length")
    assert "another secret" not in str(refusal.value)
    assert ask(warehouse, "select pii.pseudonym('имя')") == before


def test_without_a_secret_it_says_what_to_do(warehouse: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pseudonym.VARIABLE)
    schema.apply(warehouse)  # the warehouse has kept the key
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("delete from pii.pseudonym_key")
    with pytest.raises(pseudonym.SecretError, match="openssl rand"):
        schema.apply(warehouse)
    with pytest.raises(pseudonym.SecretError, match="shorter"):
        schema.apply(warehouse, "short")
    with pytest.raises(RaiseException, match="is empty"):
        ask(warehouse, "select pii.pseudonym('имя')")


def test_the_main_job_hands_the_secret_on_and_tells_of_a_wrong_one(
    warehouse_dsn: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Warehouse(warehouse_dsn).apply_schema(SECRET)
    with pytest.raises(StackError):
        Warehouse(warehouse_dsn).apply_schema("another secret of some length")
    told = "".join(capfd.readouterr())
    assert "MCU_PSEUDONYM_SECRET is not the one" in told
    assert "another secret" not in told


@pytest.mark.parametrize("statement", ["table pii.pseudonym_key", "select pii.pseudonym('a')", "select pii.page('a')"])
def test_a_reader_of_personal_data_has_neither_key_nor_pseudonyms(
    postgres_server: Cluster, warehouse_dsn: str, statement: str
) -> None:
    database = Path(warehouse_dsn).name
    with closing(psycopg2.connect(postgres_server.dsn(database, PII_READER))) as reader:
        assert ask(reader, "select has_schema_privilege('pii', 'usage')") is True
        with pytest.raises(InsufficientPrivilege):
            ask(reader, statement)
