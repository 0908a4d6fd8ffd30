"""`python -m mcu.keeping backup FOLDER` and `… restore FILE`: the warehouse of $WAREHOUSE_DSN or its _FILE."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import psycopg2

from mcu.keeping.backup import back_up
from mcu.keeping.programs import KeepingError
from mcu.keeping.restore import restore
from mcu.settings import Settings, warehouse_dsn


def main(arguments: list[str]) -> None:
    """Carry out one command; exits 1 with a message for what a person can mend, 2 for a wrong command."""
    if len(arguments) != 2 or arguments[0] not in ("backup", "restore"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    command, path = arguments[0], Path(arguments[1])
    dsn, settings = warehouse_dsn(), Settings.from_env()
    try:
        if command == "backup":
            print(back_up(dsn, path, settings.archive, datetime.now(settings.timezone)))
        else:
            said = restore(dsn, path, settings.archive)
            print(f"Restored as of {said.made_at}: {len(said.relations)} tables and views, every checksum the same.")
    except (KeepingError, psycopg2.Error, OSError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main(sys.argv[1:])
