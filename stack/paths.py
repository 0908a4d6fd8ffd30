"""Where the repository and its local state lie."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


class StackError(Exception):
    """What a person can mend. Its text says what is wrong and what to do."""


def state_folder() -> Path:
    """The folder of all local state: $MCU_STATE, else `.local` of the repository."""
    return Path(os.environ.get("MCU_STATE") or REPOSITORY / ".local").resolve()
