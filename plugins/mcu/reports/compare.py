"""What late data changed in an edition that has gone out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcu.reports.document import Document

# Marks and outcomes come days after the answer: that they grow is no correction.
GROWING = frozenset(("rated", "satisfied", "satisfied_share", "reconsidered", "with_outcome", "not_solved_share"))


@dataclass(frozen=True)
class Told:
    """A number as an edition told it: the words by it, the exact value, what the reader saw."""

    label: str
    value: Any
    text: str


@dataclass(frozen=True)
class Change:
    """One number that reads otherwise now; `before` or `after` is None where the edition does not tell it at all."""

    path: str
    before: Told | None
    after: Told | None

    @property
    def label(self) -> str:
        told = self.before or self.after
        assert told is not None
        return told.label

    @property
    def is_correction(self) -> bool:
        """Not merely a mark that came after the report."""
        return self.path.rpartition("/")[2] not in GROWING


def told(document: Document) -> dict[str, Told]:
    """The document's numbers by their address; the first label of each."""
    numbers: dict[str, Told] = {}
    for label, number in document.numbers():
        numbers.setdefault(number.path, Told(label, number.value, number.text))
    return numbers


def changes(before: Mapping[str, Told], after: Mapping[str, Told]) -> list[Change]:
    """What is told otherwise, or by one of the two alone, in the order of the report."""
    paths = dict.fromkeys((*after, *before))
    pairs = (Change(path, before.get(path), after.get(path)) for path in paths)
    return [change for change in pairs if not _is_same(change)]


def _is_same(change: Change) -> bool:
    if change.before is None or change.after is None:
        return False
    before, after = change.before.value, change.after.value
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=1e-12)
    return bool(before == after)
