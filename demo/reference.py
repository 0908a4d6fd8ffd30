"""What the demo knows of the oblast: municipalities, topics and organisations, read from the data files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
SEEDS = HERE.parent / "dbt_project" / "seeds"
SOURCES = HERE.parent / "plugins" / "mcu" / "sources"


@dataclass(frozen=True)
class Municipality:
    """`incident_name`: as «Инцидент Менеджмент» spells it; `pace`: how quick its bodies are (fast, steady, slow)."""

    oktmo: str
    incident_name: str
    administration: str
    settlements: tuple[str, ...]
    population: int
    pace: str


@dataclass(frozen=True)
class Topic:
    """`weight`: how often people write about it, relative; `complaint`: a sentence with {street}, {house}, …"""

    group: str
    name: str
    is_fast_track: bool
    weight: int
    complaint: str

    @property
    def shown_name(self) -> str:
        """The name as both systems show it: fast-track topics carry a star."""
        return f"★ {self.name}" if self.is_fast_track else self.name


@dataclass(frozen=True)
class Organisation:
    """A body that answers; `pace` as of a municipality."""

    name: str
    pace: str


@dataclass(frozen=True)
class Speciality:
    """Share of the messages of a place (None: any) and a topic group (None: any) that goes to an organisation."""

    organisation: Organisation
    oktmo: str | None
    topic_group: str | None
    share: float


@dataclass(frozen=True)
class Reference:
    """All of it; lists keep the order of the files, so that a seed always gives the same choices."""

    municipalities: list[Municipality]
    topics: list[Topic]
    specialities: list[Speciality]

    def organisation(self, place: Municipality, topic: Topic, rng: Random) -> Organisation:
        """The body a message goes to: by speciality, else the municipality's administration."""
        lot = rng.random()
        for one in self.specialities:
            if one.oktmo in (None, place.oktmo) and one.topic_group in (None, topic.group):
                lot -= one.share
                if lot < 0:
                    return one.organisation
        return Organisation(place.administration, place.pace)


def load_reference() -> Reference:
    """Read the data files; raises KeyError if a municipality or a topic is missing in the seeds."""
    population = {row["oktmo"]: row["population"] for row in read_csv(SEEDS / "municipalities.csv")}
    fast_track = {(row["topic_group"], row["topic"]): row["is_fast_track"] for row in read_csv(SEEDS / "topics.csv")}
    return Reference(
        municipalities=[
            Municipality(
                oktmo=row["oktmo"],
                incident_name=row["incident_name"],
                administration=row["administration"],
                settlements=tuple(row["settlements"].split(";")),
                population=int(population[row["oktmo"]]),
                pace=row["pace"],
            )
            for row in read_csv(HERE / "municipalities.csv")
        ],
        topics=[
            Topic(
                group=row["topic_group"],
                name=row["topic"],
                is_fast_track=fast_track[row["topic_group"], row["topic"]] == "true",
                weight=int(row["weight"]),
                complaint=row["complaint"],
            )
            for row in read_csv(HERE / "topics.csv")
        ],
        specialities=[
            Speciality(
                organisation=Organisation(row["organisation"], row["pace"]),
                oktmo=row["oktmo"] or None,
                topic_group=row["topic_group"] or None,
                share=float(row["share"]),
            )
            for row in read_csv(HERE / "organisations.csv")
        ],
    )


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a UTF-8 file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
