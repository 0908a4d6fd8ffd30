"""What is left of a field when its author is forgotten: what the facts are made of, and no more."""

from __future__ import annotations

import csv

import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from mcu.landing import stripped
from mcu.settings import PROJECT

pytestmark = pytest.mark.postgres

HIDDEN = stripped.HIDDEN


def left_of(connection: Connection, field: str, value: str | None) -> object:
    query = sql.SQL("select {} from (select %s::text as {}) as t").format(
        stripped.fields("incident", "t")[field], sql.Identifier(field)
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(query, (value,))
        ((left,),) = cursor.fetchall()
        return left


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("author_url", "https://vk.com/id1", None),
        ("message_text", "текст", None),
        ("post_url", "https://ivan-petrov.livejournal.com/1.html", None),
        ("post_url", "Иван Петров", None),
        ("post_url", "ivan@vk.com", None),
        ("post_url", "https://www.youtube.com?v=1", "https://www.youtube.com"),
        ("closing_reason", "5", "5"),
        ("closing_reason", "5.0", "5.0"),
        ("closing_reason", "«Автор доволен!»", "«Автор доволен!»"),
        ("closing_reason", "Авдотья довольна", None),
        ("created_at", "2026-02-02 10:00:00", "2026-02-02 10:00:00"),
        ("created_at", "спросите Авдотью", HIDDEN),
        ("first_answer_elapsed", "2:00:00.000", "2:00:00.000"),
        ("first_answer_elapsed", "Авдотья", HIDDEN),
        ("audience", "12 000", "12 000"),
        ("audience", "Авдотья", HIDDEN),
        ("survey_sent", "Да", "Да"),
        ("survey_sent", "Авдотье", HIDDEN),
        ("survey_sent", None, None),
        ("outcome", "Решено, +7 900 123-45-67", f"Решено, {HIDDEN}"),
        ("outcome", "Решено", "Решено"),
    ],
)
def test_what_is_left(warehouse: Connection, field: str, value: str | None, left: str | None) -> None:
    assert left_of(warehouse, field, value) == left


def test_the_network_of_a_post_is_left(warehouse: Connection) -> None:
    with (PROJECT / "dbt_project" / "seeds" / "channels.csv").open(encoding="utf-8") as file:
        domains = [line["domain"] for line in csv.DictReader(file)]
    assert len(domains) > 10
    for domain in domains:
        assert left_of(warehouse, "post_url", f"https://{domain}/id1/wall?w=1") == f"https://{domain}"


def test_officials_and_places_are_not_touched() -> None:
    assert "executor" not in stripped.fields("incident", "t")
    assert "cabinet" not in stripped.fields("incident", "t")
    assert not {"coordinator_name", "executor_name", "manager_name"} & stripped.fields("pos", "t").keys()
