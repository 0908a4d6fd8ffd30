"""Texts of citizens and bodies, put together from the words of texts.yml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import yaml

from demo.reference import HERE, Municipality, Topic


@cache
def words() -> dict[str, Any]:
    """The content of texts.yml."""
    content: dict[str, Any] = yaml.safe_load((HERE / "texts.yml").read_text(encoding="utf-8"))
    return content


@dataclass(frozen=True)
class Address:
    """Where the trouble is."""

    settlement: str
    street: str
    house: int

    def __str__(self) -> str:
        return f"{self.settlement}, {self.street}, {self.house}"


def address(place: Municipality, rng: Random) -> Address:
    """An address in the municipality, mostly in its main settlement."""
    settlement = place.settlements[0] if rng.random() < 0.6 else rng.choice(place.settlements)
    return Address(settlement, rng.choice(words()["streets"]), rng.randint(1, 180))


def complaint(topic: Topic, where: Address, school: int, rng: Random) -> str:
    """What the citizen writes: usually a sentence or two, now and then a letter of thousands of characters."""
    opening: str = rng.choice(words()["openings"])
    ending: str = rng.choice(words()["endings"])
    text = topic.complaint.format(
        street=where.street, house=where.house, school=school, route=rng.randint(1, 96), n=rng.randint(3, 60)
    )
    body = f"{opening}{text if opening.endswith(': ') else text[0].upper() + text[1:]}."
    if rng.random() < 0.02:
        body += "\n\n" + " ".join(rng.choices(words()["asides"], k=rng.randint(20, 90)))
    elif rng.random() < 0.5:
        body += " " + rng.choice(words()["asides"])
    return body + ending.format(n=rng.randint(20, 120))


def interim_answer(author: str, rng: Random) -> str:
    """A first answer that only says that the message is being looked into."""
    text: str = rng.choice(words()["interim"])
    return text.format(author=author)


def final_answer(outcome: str, where: Address, author: str, rng: Random) -> str:
    """The answer on the merits, by «Итог»."""
    text: str = rng.choice(words()["answers"][outcome])
    return text.format(author=author, address=where)


@cache
def official(organisation: str, role: str) -> str:
    """The official of a body in a role: always the same one; some names hold a double space, as in real exports."""
    rng = Random(f"{organisation}/{role}")
    officials = words()["officials"]
    gap = "  " if rng.random() < 0.2 else " "
    parts: list[str] = [rng.choice(officials[part]) for part in ("surnames", "names", "patronymics")]
    return gap.join(parts)
