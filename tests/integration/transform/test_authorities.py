"""One authority under one name, whatever its spelling; which spellings a seed has to join."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection

from mcu.transform.dbt import DBT_PROJECT
from tests.integration.transform import rendered
from tests.oracle.places import authority_of

pytestmark = pytest.mark.postgres

SHOWN = {
    "Администрация города Азова": (
        "Администрация города Азова",
        " Администрация  города\tАзова ",
        "Администрация\u00a0города Азова",
        "администрация города Азова",
    ),
    "Администрация Веселовского района": ("Администрация Весёловского района", "Администрация Веселовского района"),
    "МБУ «Благоустройство» г. Волгодонск": (
        "МБУ «Благоустройство» г. Волгодонск",
        'МБУ "Благоустройство" г. Волгодонск',
        "МБУ “Благоустройство” г. Волгодонск",
        "МБУ „Благоустройство“ г. Волгодонск",
        'МБУ  ""Благоустройство"" г. Волгодонск',
    ),
    "«Ромашка» (ООО «Ромашка»)": ('"Ромашка" (ООО "Ромашка")', "«Ромашка» (ООО «Ромашка»)"),
    "ООО «УК «Уют»": ('ООО "УК "Уют""', "ООО «УК «Уют»»"),
    "ООО «УК»-2": ('ООО "УК"-2',),
    "АДМИНИСТРАЦИЯ ГОРОДА ТАГАНРОГА": ("АДМИНИСТРАЦИЯ ГОРОДА ТАГАНРОГА",),
    "Администрация города Таганрога": ("Администрация города Таганрога",),
    "ПАО «Россети Юг» — «Ростовэнерго»": ('ПАО "Россети Юг" — "Ростовэнерго"',),
    "Отдел №1": ("отдел №1",),
    "Елка": ("ёлка", "Ёлка"),
}
ALIASES = [
    ("Администрация г. Таганрога", "Администрация города Таганрога"),
    ("Минздрав РО", "Министерство здравоохранения Ростовской области"),
]


@pytest.fixture
def named(warehouse: Connection) -> Connection:
    names = [*(name for spellings in SHOWN.values() for name in spellings), "МИНЗДРАВ РО", "минздрав  ро"]
    rendered.make_table(
        warehouse, "int_message_version", "select null::text as authority limit 0", [(name,) for name in names]
    )
    rendered.make_seed(warehouse, "authority_aliases")
    return warehouse


def matches(connection: Connection) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(rendered.model("int_authority_match"))
        found = cursor.fetchall()
    assert len(dict(found)) == len(found)
    return dict(found)


def test_spaces_quotes_and_yo_make_no_other_authority(named: Connection) -> None:
    found = matches(named)
    assert {name: found[name] for spellings in SHOWN.values() for name in spellings} == {
        name: shown for shown, spellings in SHOWN.items() for name in spellings
    }


def test_the_oracle_says_the_same(named: Connection) -> None:
    assert {name: authority_of(name) for name in matches(named)} == matches(named)


def test_a_shown_name_is_shown_as_it_is(named: Connection) -> None:
    before = matches(named)
    with named.cursor() as cursor:
        cursor.execute("truncate int_message_version")
        cursor.executemany("insert into int_message_version values (%s)", [(name,) for name in set(before.values())])
    assert all(name == shown for name, shown in matches(named).items())


def test_one_line_joins_all_that_differ_in_case_only(named: Connection) -> None:
    with named.cursor() as cursor:
        cursor.executemany("insert into authority_aliases values (%s, %s)", ALIASES)
    found = matches(named)
    assert found["АДМИНИСТРАЦИЯ ГОРОДА ТАГАНРОГА"] == found["Администрация города Таганрога"] == ALIASES[0][1]
    assert found["МИНЗДРАВ РО"] == found["минздрав  ро"] == ALIASES[1][1]


@pytest.mark.parametrize(
    "alias",
    [
        ("минздрав ро", "Минздрав"),
        ("Министерство здравоохранения Ростовской области", "Минздрав РО"),
        ("Минздрав", "Минздрав РО"),
    ],
    ids=["two names", "circle", "chain"],
)
def test_an_ambiguous_alias_is_refused(named: Connection, alias: tuple[str, str]) -> None:
    query = rendered.render(
        (DBT_PROJECT / "tests" / "assert_authority_aliases_are_unambiguous.sql").read_text(encoding="utf-8")
    )
    with named.cursor() as cursor:
        cursor.executemany("insert into authority_aliases values (%s, %s)", ALIASES)
        cursor.execute(query)
        assert cursor.fetchall() == []
        cursor.execute("insert into authority_aliases values (%s, %s)", alias)
        cursor.execute(query)
        assert cursor.fetchall()
