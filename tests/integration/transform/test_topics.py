"""Topics of both systems under one name: what an alias renames, and seeds that would lead nowhere or in a circle."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection

from mcu.transform.dbt import DBT_PROJECT
from tests.integration.transform import rendered

pytestmark = pytest.mark.postgres

Alias = tuple[str, str, str | None, str | None, str, str | None]

ALIASES: list[Alias] = [
    ("pos", "Медицина", None, None, "Здравоохранение/Медицина", None),
    ("pos", "Здравоохранение/Медицина", "Очереди", None, "Здравоохранение/Медицина", "Очередь"),
    ("pos", "Дороги", "Ямы", None, "Дороги", "Ямы и выбоины на дороге"),
    ("pos", "Дороги", "Ямы", "Яма во дворе", "Благоустройство", "Ямы во дворах"),
    ("incident", "Дороги", "Ямы", None, "Дороги", "Ремонт дороги"),
]

# Source, group, topic, fact → group and topic in the marts.
TOPICS = {
    ("pos", "Медицина", "Очередь", None): ("Здравоохранение/Медицина", "Очередь"),
    ("pos", "Медицина", "Очереди", "Долго"): ("Здравоохранение/Медицина", "Очередь"),
    ("pos", "Здравоохранение/Медицина", "Очереди", None): ("Здравоохранение/Медицина", "Очередь"),
    ("pos", "Медицина", "Иное", None): ("Здравоохранение/Медицина", "Иное"),
    ("pos", "Медицина", "(не указано)", None): ("Здравоохранение/Медицина", "(не указано)"),
    ("incident", "Медицина", "Очереди", None): ("Медицина", "Очереди"),
    ("pos", "Дороги", "Ямы", None): ("Дороги", "Ямы и выбоины на дороге"),
    ("pos", "Дороги", "Ямы", "Яма на дороге"): ("Дороги", "Ямы и выбоины на дороге"),
    ("pos", "Дороги", "Ямы", "Яма во дворе"): ("Благоустройство", "Ямы во дворах"),
    ("pos", "Дороги", "Ремонт дороги", "Яма во дворе"): ("Дороги", "Ремонт дороги"),
    ("incident", "Дороги", "Ямы", None): ("Дороги", "Ремонт дороги"),
    ("incident", "Дороги", "Пробки", None): ("Дороги", "Пробки"),
}

CONFORMED = """
    select
        messages.source,
        messages.topic_group,
        messages.topic,
        messages.fact,
        {{ conformed_topic_group("messages") }} as conformed_topic_group,
        {{ conformed_topic("messages") }} as conformed_topic
    from messages
    {{ join_topic_aliases("messages") }}
"""


@pytest.fixture
def seeds(warehouse: Connection) -> Connection:
    for seed in ("topics", "topic_aliases"):
        rendered.make_seed(warehouse, seed)
    return warehouse


def run(connection: Connection, statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def add_alias(connection: Connection, alias: Alias) -> None:
    run(connection, "insert into topic_aliases values (%s, %s, %s, %s, %s, %s)", *alias)


def failures(connection: Connection, name: str) -> list[tuple[object, ...]]:
    """Rows of a data test."""
    with connection.cursor() as cursor:
        cursor.execute(rendered.render((DBT_PROJECT / "tests" / f"{name}.sql").read_text(encoding="utf-8")))
        return cursor.fetchall()


def test_a_topic_has_one_name(seeds: Connection) -> None:
    run(seeds, "truncate topic_aliases")
    for alias in ALIASES:
        add_alias(seeds, alias)
    columns = "null::text as source, null::text as topic_group, null::text as topic, null::text as fact"
    rendered.make_table(seeds, "messages", f"select {columns} limit 0", list(TOPICS))
    with seeds.cursor() as cursor:
        cursor.execute(rendered.render(CONFORMED))
        found = {tuple(row[:4]): tuple(row[4:]) for row in cursor}
        assert cursor.rowcount == len(TOPICS), "no message is doubled"
    assert found == TOPICS
    assert not failures(seeds, "assert_topic_aliases_end_in_topics")


@pytest.mark.parametrize(
    "aliases",
    [
        [("pos", "А", None, None, "ЖКХ", None), ("pos", "ЖКХ", None, None, "А", None)],
        [("pos", "А", None, None, "Б", None), ("pos", "Б", None, None, "ЖКХ", None)],
        [
            ("pos", "Дороги", "Пробки", None, "Дороги", "Ремонт дороги"),
            ("pos", "Дороги", "Ремонт дороги", None, "Дороги", "Пробки"),
        ],
        [("pos", "А", None, None, "ЖКХ", None), ("pos", "А", "Лифт", None, "ЖКХ", "Ремонт подъездов")],
        [("pos", "А", None, None, "Нет такой группы", None)],
        [("pos", "А", "Б", None, "ЖКХ", "Нет такой темы")],
    ],
    ids=["circle of groups", "chain", "circle of topics", "never reached", "unknown group", "unknown topic"],
)
def test_an_alias_that_does_not_end_in_a_topic_is_refused(seeds: Connection, aliases: list[Alias]) -> None:
    assert not failures(seeds, "assert_topic_aliases_end_in_topics")
    for alias in aliases:
        add_alias(seeds, alias)
    assert failures(seeds, "assert_topic_aliases_end_in_topics")


def test_a_renamed_topic_keeps_its_key(seeds: Connection) -> None:
    assert not failures(seeds, "assert_renamed_topics_keep_their_key")
    run(seeds, "update topics set topic = 'Заторы' where topic = 'Пробки'")
    assert len(failures(seeds, "assert_renamed_topics_keep_their_key")) == 2, "nothing leads from the old name, twice"
    for source in ("pos", "incident"):
        add_alias(seeds, (source, "Дороги", "Пробки", None, "Дороги", "Заторы"))
    assert not failures(seeds, "assert_renamed_topics_keep_their_key")
    run(seeds, "update topics set topic_group = 'Дорожное хозяйство' where topic_group = 'Дороги'")
    run(seeds, "update topic_aliases set topic_group = 'Дорожное хозяйство' where topic = 'Заторы'")
    run(seeds, "update topic_aliases set topic_group_alias = topic_group where topic = 'Заторы'")
    for source in ("pos", "incident"):
        add_alias(seeds, (source, "Дороги", None, None, "Дорожное хозяйство", None))
    assert not failures(seeds, "assert_renamed_topics_keep_their_key")
    assert not failures(seeds, "assert_topic_aliases_end_in_topics")

    messages = "select * from (values ('Дорожное хозяйство', 'Заторы'), ('Новая', 'Тема')) as m (topic_group, topic)"
    for table in ("message_current", "int_message_now"):
        rendered.make_table(seeds, table, messages)
    with seeds.cursor() as cursor:
        cursor.execute(rendered.model("dim_topic"))
        keys = {(group, topic): (key, is_known) for group, topic, _, key, is_known in cursor}
    assert keys["Дорожное хозяйство", "Заторы"] == ("Дороги → Пробки", True)
    assert keys["Новая", "Тема"] == ("Новая → Тема", False)
    assert len(keys) == 126
