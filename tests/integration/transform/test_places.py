"""Every municipality in every systematic spelling of both systems: its ОКТМО, never that of another."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import chain

import pytest
from psycopg2.extensions import connection as Connection

from mcu.transform.dbt import DBT_PROJECT
from tests.integration.transform import rendered

pytestmark = pytest.mark.postgres

ROSTOV = "60701000"
GENITIVES = {
    "Ростов-на-Дону": "Ростова-на-Дону",
    "Азов": "Азова",
    "Батайск": "Батайска",
    "Волгодонск": "Волгодонска",
    "Гуково": "Гуково",
    "Донецк": "Донецка",
    "Зверево": "Зверево",
    "Каменск-Шахтинский": "Каменска-Шахтинского",
    "Новочеркасск": "Новочеркасска",
    "Новошахтинск": "Новошахтинска",
    "Таганрог": "Таганрога",
    "Шахты": "Шахты",
}
ADJECTIVES = {
    "Азовский": "Азов",
    "Волгодонский": "Волгодонск",
    "Донецкий": "Донецк",
    "Шахтинский": "Шахты",
    "Каменск-Шахтинский": "Каменск-Шахтинский",
    "Таганрогский": "Таганрог",
}

# {a}: the district's adjective, {g}: in the genitive, {p}: in the prepositional case.
DISTRICTS = {
    "municipality": """
        {a} район · {a} р-н · {a} рн · {a} муниципальный район · {a} муниципальный р-н · {a} м.р-н · {a} м. р-н
        {a} м.р. · {a} м. р. · {a} МР · {a} мун. район · {a} муниц. район · {a} муниципальный округ · {a} м.о.
        {a} м. о. · {a} МО · {a} мун. округ · {a} округ · район {a} · р-н {a} · муниципальный район {a} · м.р-н {a}
        муниципальный округ {a} · м.о. {a} · МО {a} · МО «{a} район» · муниципальное образование «{a} район»
        Муниципальное образование "{a} район" · «{a} район» · "{a} район" · {a} район, Ростовская область
        Ростовская область, {a} район · Ростовская обл., р-н {a} · {a} район (Ростовская обл.)
    """,
    "organisation": """
        Администрация {g} района · Администрация {g} района Ростовской области · Администрация {g} р-на
        Администрация {g} муниципального района · Администрация {g} муниципального округа Ростовской области
        Администрация муниципального района «{a} район» · Администрация муниципального образования «{a} район»
        Администрация МО «{a} район» · Администрация МО "{a} район" Ростовской области
        {a} район · Администрация района {g} · Администрация муниципального района {g}
        Отдел образования Администрации {g} района · МБУЗ «ЦРБ» {g} района Ростовской области
        ГБУ РО «ЦРБ» в {p} районе · Собрание депутатов {g} района
        Администрация Ивановского сельского поселения {g} района · МБУ "Центр" {g} р-на, Ростовская обл.
        Администрация {g} городского поселения · Управление ГО и ЧС {g} района
    """,
}
CITIES = {
    "municipality": """
        {n} · {n} г.о. · {n} г. о. · {n} ГО · {n} городской округ · г.о. {n} · г. о. {n} · ГО {n} · городской округ {n}
        городской округ город {n} · городской округ г. {n} · г. {n} · г.{n} · гор. {n} · город {n} · город {n} г.о.
        г.о. город {n} · городской округ «Город {n}» · гор. округ {n} · {n} м.о. · муниципальный округ {n}
        муниципальный округ город {n} · МО {n} · МО «Город {n}» · муниципальное образование "Город {n}" · «{n}»
        {n}, Ростовская область · Ростовская область, г. {n} · Ростовская обл., г.о. {n}
    """,
    "organisation": """
        Администрация города {g} · Администрация г. {g} · Администрация г.{g} · Администрация гор. {g}
        Администрация г. {n} · Администрация города {g} Ростовской области · Администрация городского округа «Город {n}»
        Администрация муниципального образования городской округ «Город {n}» · Администрация МО «Город {n}»
        Администрация г.о. {n} · Администрация ГО "{n}" · Управление ЖКХ г. {g} · МУП «Водоканал» города {g}
        Городская Дума города {g} · МБУ «Благоустройство» г. {n} · Управление ГО и ЧС города {g}
        Департамент ЖКХ муниципального округа город {n}
    """,
}
# Inner districts of Rostov whose names are those of districts of the oblast, too, or of none.
INNER = ("Октябрьский", "Пролетарский", "Советский", "Ленинский", "Кировский", "Железнодорожный")
INNER_SPELLINGS = """
    {a} район г. Ростова-на-Дону · {a} район, Ростов-на-Дону · {a} р-н г. Ростова-на-Дону · Ростов-на-Дону, {a} район
    Ростов-на-Дону г.о., {a} район · г. Ростов-на-Дону, р-н {a} · Ростов-на-Дону (район {a}) · {a} район Ростова
    Администрация {g} района города Ростова-на-Дону · Администрация {g} района г. Ростова · {a} район, г. Ростов н/Д
    Администрация {g} р-на города Ростова-на-Дону · Управление образования {g} района г. Ростова-на-Дону
    МКУ «УЖКХ» {g} района города Ростова-на-Дону Ростовской области
"""
ROSTOV_SPELLINGS = """
    Ростов н/Д · г. Ростов н/Д · Ростов-н/Д · Ростов-на-Д. · Ростов - на - Дону · Ростов на Дону · г. Ростов
    Администрация г. Ростова н/Д
"""
UNMAPPED = """
    Октябрьский район Волгоградской области · Администрация Советского района Омской обл. · г. Донецк, ДНР
    Донецк, Донецкая Народная Республика · Каменский район Свердловской области · Тьмутараканский район · Азово
    Азовское море · Каменск · Шахтёрск · Азовский · Ростовская · район · г.о. · МО · Донецкий район
"""

RESPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    lambda name: name.replace(" ", "  "),
    lambda name: f" {name.replace(' ', chr(160))} ",
    lambda name: name.replace("-", " – "),
    lambda name: name.replace("«", '"').replace("»", '"'),
    lambda name: name.replace("Весел", "Весёл").replace("весел", "весёл"),
)


def split(names: str) -> list[str]:
    return [name.strip() for line in names.strip().splitlines() for name in line.split(" · ")]


def genitive(adjective: str) -> str:
    return adjective[:-2] + "ого"


def spellings() -> Iterator[tuple[str, str, str]]:
    """Kind, spelling, ОКТМО; empty for what is not ours."""
    with (DBT_PROJECT / "seeds" / "municipalities.csv").open(encoding="utf-8") as file:
        oktmo = {row["name"]: row["oktmo"] for row in csv.DictReader(file) if row["type"] != "oblast"}
    assert len(oktmo) == 55
    for kind in ("municipality", "organisation"):
        for name, code in oktmo.items():
            if name.startswith("город "):
                city = name.removeprefix("город ")
                written = [form.format(n=city, g=GENITIVES[city]) for form in split(CITIES[kind])]
            else:
                adjective = name.removesuffix(" район")
                of = genitive(adjective)
                written = [form.format(a=adjective, g=of, p=of[:-2] + "м") for form in split(DISTRICTS[kind])]
            yield from ((kind, spelling, code) for spelling in written)
        for adjective, city in ADJECTIVES.items():
            for form in ("{a} городской округ", "{a} г.о.", "Администрация {g} городского округа"):
                yield kind, form.format(a=adjective, g=genitive(adjective)), oktmo[f"город {city}"]
        inner = [form.format(a=name, g=genitive(name)) for form in split(INNER_SPELLINGS) for name in INNER]
        yield from ((kind, spelling, ROSTOV) for spelling in chain(inner, split(ROSTOV_SPELLINGS)))
        yield from ((kind, spelling, "") for spelling in split(UNMAPPED))


def test_every_spelling_leads_to_its_municipality(warehouse: Connection) -> None:
    expected = {
        (kind, respelled): oktmo
        for kind, spelling, oktmo in spellings()
        for respelled in {respell(spelling) for respell in RESPELLINGS}
    }
    assert len(expected) > 15_000
    versions = "select null::text as municipality, null::text as org_current, null::text as org_received limit 0"
    rows = [(name, None, None) if kind == "municipality" else (None, name, None) for kind, name in expected]
    rendered.make_table(warehouse, "int_message_version", versions, rows)
    rendered.make_table(warehouse, "int_authority_match", "select null::text as authority limit 0")
    for seed in ("municipality_aliases", "organisation_rules"):
        rendered.make_seed(warehouse, seed)
    with warehouse.cursor() as cursor:
        cursor.execute(rendered.model("int_place_match"))
        found = {(kind, place): oktmo for kind, place, oktmo in cursor}
    wrong = [
        f"{kind} {name!r}: {found.get((kind, name))}, right {oktmo or 'unmapped'}"
        for (kind, name), oktmo in expected.items()
        if (found.get((kind, name)) or "") != oktmo
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(expected)}", *wrong[:60]])
