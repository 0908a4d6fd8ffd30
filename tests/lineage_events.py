"""Lineage events as they went out, a file an event, and the ways through them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Dataset = tuple[str, str]


@dataclass(frozen=True)
class Events:
    """All events of a folder."""

    events: tuple[dict[str, Any], ...]
    text: str

    @classmethod
    def of(cls, folder: Path) -> Events:
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("event-*.json"))]
        return cls(tuple(json.loads(text) for text in texts), "".join(texts))

    def jobs(self, event_type: str) -> set[str]:
        return {event["job"]["name"] for event in self.events if event["eventType"] == event_type}

    def reached(self, start: Dataset) -> set[Dataset]:
        """Every dataset that was made of `start`, however far."""
        edges: defaultdict[Dataset, set[Dataset]] = defaultdict(set)
        for event in self.events:
            for source in event["inputs"]:
                edges[_named(source)] |= {_named(made) for made in event["outputs"]}
        found: set[Dataset] = set()
        front = {start}
        while front:
            front = {made for source in front for made in edges[source]} - found
            found |= front
        return found

    def outputs(self, name: str) -> Iterator[dict[str, Any]]:
        """The dataset in each event that wrote it and ended well."""
        for event in self.events:
            if event["eventType"] == "COMPLETE":
                yield from (made for made in event["outputs"] if made["name"] == name)

    def inputs(self, name: str) -> Iterator[dict[str, Any]]:
        for event in self.events:
            yield from (read for read in event["inputs"] if read["name"] == name)

    def origins(self, name: str, column: str) -> set[tuple[str, str]]:
        """Table and column that a column of the dataset was made of, as far as the events tell."""
        facets = (made["facets"].get("columnLineage") for made in self.outputs(name))
        fields: Iterable[dict[str, Any]] = (facet["fields"].get(column, {}) for facet in facets if facet)
        return {(origin["name"], origin["field"]) for field in fields for origin in field.get("inputFields", ())}


def _named(dataset: dict[str, Any]) -> Dataset:
    return dataset["namespace"], dataset["name"]
