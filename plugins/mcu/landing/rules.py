"""The rules that a file is refused by, column map and suites: when they change, it is tried again."""

from __future__ import annotations

import hashlib

from mcu.quality import suites
from mcu.sources import columns

UNKNOWN = "unknown"  # the source of what cannot be told apart: any map could recognise it


def digest(source: str) -> str:
    """Of the column map and the suites of `source`; of `unknown`: of those of all sources."""
    content = hashlib.sha256()
    for name in columns.SOURCES if source == UNKNOWN else (source,):
        content.update((columns.FOLDER / f"{name}_columns.csv").read_bytes())
        content.update(suites.path(name).read_bytes())
    content.update(suites.path("load").read_bytes())
    return content.hexdigest()
