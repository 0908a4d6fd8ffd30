"""Where the suites are: one JSON file a source or mart."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[3] / "expectations"


def path(name: str) -> Path:
    """The file of the suite `name`."""
    return FOLDER / f"{name}.json"
