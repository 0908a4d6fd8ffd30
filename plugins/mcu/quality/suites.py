"""Where the suites are: one JSON file a source or mart."""

from __future__ import annotations

from pathlib import Path

from mcu.settings import PROJECT

FOLDER = PROJECT / "expectations"


def path(name: str) -> Path:
    """The file of the suite `name`."""
    return FOLDER / f"{name}.json"
