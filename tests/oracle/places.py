"""Where a message belongs: municipalities of both systems and topics, told by plain lists.

The product matches organisations by rules; here each name that the trap exports use is simply written down.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"

OBLAST = "60000000"
ROSTOV, AZOV, AZOV_DISTRICT, VOLGODONSK, VOLGODONSK_DISTRICT = (
    "60701000",
    "60704000",
    "60601000",
    "60712000",
    "60612000",
)
KAMENSK_SHAKHTINSKY, KAMENSK_DISTRICT, OKTYABRSKY, PROLETARSKY = "60719000", "60623000", "60641000", "60645000"
DONETSK, UST_DONETSK, SHAKHTY, NOVOSHAKHTINSK = "60717000", "60655000", "60740000", "60730000"
VESELOVSKY, SOVETSKY, TAGANROG, AKSAY = "60609000", "60652000", "60737000", "60602000"

ORGANISATIONS = {
    "Администрация города Ростова-на-Дону": ROSTOV,
    "Администрация Октябрьского района города Ростова-на-Дону": ROSTOV,
    "Администрация Пролетарского района города Ростова-на-Дону": ROSTOV,
    "Управление образования Советского района г. Ростова-на-Дону": ROSTOV,
    "МКУ «УЖКХ» Ворошиловского района города Ростова-на-Дону": ROSTOV,
    "Администрация Октябрьского района": OKTYABRSKY,
    "Администрация Октябрьского района Ростовской области": OKTYABRSKY,
    "Администрация Пролетарского района": PROLETARSKY,
    "Администрация Советского района": SOVETSKY,
    "Администрация города Азова": AZOV,
    "Администрация Азовского района": AZOV_DISTRICT,
    "Администрация Кулешовского сельского поселения Азовского района": AZOV_DISTRICT,
    "Администрация города Волгодонска": VOLGODONSK,
    "МБУ «Благоустройство» г. Волгодонск": VOLGODONSK,
    "Администрация Волгодонского района": VOLGODONSK_DISTRICT,
    "Администрация города Каменск-Шахтинского": KAMENSK_SHAKHTINSKY,
    "Администрация города Каменска-Шахтинского": KAMENSK_SHAKHTINSKY,
    "Администрация Каменского района": KAMENSK_DISTRICT,
    "Администрация города Донецка": DONETSK,
    "Администрация Усть-Донецкого района": UST_DONETSK,
    "Администрация города Шахты": SHAKHTY,
    "Управление социальной защиты г. Шахты": SHAKHTY,
    "Администрация города Новошахтинска": NOVOSHAKHTINSK,
    "Администрация Весёловского района": VESELOVSKY,
    "Администрация Веселовского района": VESELOVSKY,
    "АДМИНИСТРАЦИЯ ГОРОДА ТАГАНРОГА": TAGANROG,
    "Администрация  Аксайского  района": AKSAY,
    "Министерство здравоохранения Ростовской области": OBLAST,
    "Министерство жилищно-коммунального хозяйства Ростовской области": OBLAST,
    "Государственная жилищная инспекция Ростовской области": OBLAST,
    "ПАО «ТНС энерго Ростов-на-Дону»": OBLAST,
    "Правительство Ростовской области": OBLAST,
}
UNMAPPED_ORGANISATIONS = (
    "ООО «Ромашка»",
    "Администрация города Энска",
    "ИП Кошкин",
    "Администрация Ольгинского поселения",
)

CHANNELS = {
    "vk.com": "vk",
    "m.vk.com": "vk",
    "ok.ru": "ok",
    "t.me": "telegram",
    "telegram.me": "telegram",
    "forum.example.org": "other",
}

UNSPECIFIED = "(не указано)"


@cache
def populations() -> dict[str, int | None]:
    """Inhabitants (2024) by ОКТМО of the 55 municipalities and, without a figure, of the oblast itself."""
    with (SEEDS / "municipalities.csv").open(encoding="utf-8") as file:
        listed: dict[str, int | None] = {
            m["oktmo"]: int(m["population"]) for m in csv.DictReader(file) if m["population"]
        }
    return listed | {OBLAST: None}


@cache
def _incident_municipalities() -> dict[str, str]:
    with (SEEDS / "municipalities.csv").open(encoding="utf-8") as file:
        names = {row["name"]: row["oktmo"] for row in csv.DictReader(file)}
    written = {re.sub(r"^город (.*)", r"\1 г.о.", name): oktmo for name, oktmo in names.items()}
    return {_plain(name): oktmo for name, oktmo in written.items()} | {"ростовская область, другое": OBLAST}


@cache
def _topic_aliases() -> dict[tuple[str, str, str, str], tuple[str, str]]:
    with (SEEDS / "topic_aliases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (r["source"], r["topic_group_alias"], r["topic_alias"], r["fact_alias"]): (r["topic_group"], r["topic"])
        for r in rows
    }


def municipality_of_incident(written: str | None) -> tuple[str, bool]:
    """ОКТМО and whether it was mapped, of «Муниципалитет»."""
    oktmo = _incident_municipalities().get(_plain(written or ""))
    return (oktmo, True) if oktmo else (OBLAST, False)


def municipality_of_organisations(current: str | None, received: str | None) -> tuple[str, bool]:
    """ОКТМО and whether it was mapped, by the current organisation, else by the one that received the message."""
    for name in (current, received):
        if name in ORGANISATIONS:
            return ORGANISATIONS[name], True
        if name is not None and name not in UNMAPPED_ORGANISATIONS:
            raise KeyError(f"the oracle does not know this organisation: {name}")
    return OBLAST, False


def topic_of(source: str, group: str | None, topic: str | None, fact: str | None = None) -> tuple[str, str]:
    """Topic group and topic: stars stripped, aliases resolved, «(не указано)» for what is missing."""
    group, topic = (re.sub(r"^(★\s*)+", "", value or "") for value in (group, topic))
    group = _topic_aliases().get((source, group, "", ""), (group, ""))[0]
    for fact_alias in (fact or "", ""):
        if topic and (source, group, topic, fact_alias) in _topic_aliases():
            return _topic_aliases()[source, group, topic, fact_alias]
    return group or UNSPECIFIED, topic or UNSPECIFIED


def authority_of(*names: str | None) -> str:
    """The first name that is there, as the marts show it: «quotes», single spaces, е for ё, a capital first."""
    written = next((name for name in names if name), None)
    if written is None:
        return UNSPECIFIED
    if _compared(written) in _authority_aliases():
        return _authority_aliases()[_compared(written)]
    shown = ""
    for character in " ".join(written.replace("ё", "е").replace("Ё", "Е").split()):
        if character not in QUOTES:
            shown += character
        elif not shown or shown[-1] in " (":
            shown += "«"
        elif shown[-1] not in QUOTES:
            shown += "»"
    return shown[0].upper() + shown[1:]


QUOTES = '"“”„‟«»'


@cache
def _authority_aliases() -> dict[str, str]:
    with (SEEDS / "authority_aliases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {_compared(name): row["authority"] for row in rows for name in (row["alias"], row["authority"])}


def _compared(written: str) -> str:
    return " ".join(re.sub(r"[^а-яa-z0-9]", " ", written.lower().replace("ё", "е")).split())


@cache
def _fast_topics() -> set[tuple[str, str]]:
    with (SEEDS / "topics.csv").open(encoding="utf-8") as file:
        return {(r["topic_group"], r["topic"]) for r in csv.DictReader(file) if r["is_fast_track"] == "true"}


def is_fast_topic(group: str, topic: str) -> bool:
    """Whether the classifier marks the topic with a star."""
    return (group, topic) in _fast_topics()


def channel_of(url: str | None) -> str:
    """The social network of a post by its domain."""
    return CHANNELS[urlsplit(url).netloc] if url else "other"


def _plain(written: str) -> str:
    return " ".join(written.lower().replace("ё", "е").split())
