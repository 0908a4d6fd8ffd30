"""Where the repository and its local state lie."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SETTINGS = ("INBOX", "WAREHOUSE_DSN", "PG_BIN", "MCU_", "OTEL_")


class StackError(Exception):
    """What a person can mend. Its text says what is wrong and what to do."""


def state_folder() -> Path:
    """The folder of all local state: $MCU_STATE, else `.local` of the repository."""
    return Path(os.environ.get("MCU_STATE") or REPOSITORY / ".local").resolve()


def read_dotenv(path: Path) -> None:
    """Take over the settings of a file of NAME=value lines that the environment does not hold already."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and name.strip().startswith(SETTINGS):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))
