"""`make backup` and `make restore` for the warehouse of the local stack."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import psycopg2

from mcu.keeping import backup
from mcu.keeping import restore as restoring
from mcu.keeping.programs import KeepingError
from mcu.settings import Settings
from stack.environment import archive_folder
from stack.local import LocalStack
from stack.paths import StackError
from stack.run import inbox_folder


def back_up(stack: LocalStack, folder: Path | None) -> None:
    """Back up the warehouse that the stack was last started with; PostgreSQL must run."""
    dsn = stack.warehouse_dsn()
    target = (folder or stack.state / "backups").expanduser().resolve()
    now = datetime.now(Settings.from_env().timezone)
    try:
        dump = backup.back_up(dsn, target, archive_folder(stack.state, dsn), now)
    except (KeepingError, psycopg2.Error, OSError) as error:
        raise StackError(str(error)) from error
    print(f"{dump}\nThe files of the same name beside it belong to it. They hold persons: keep them safe.")


def restore(stack: LocalStack, dump: Path) -> None:
    """Start PostgreSQL and restore into the warehouse that `make run` would use, which must be empty."""
    if not dump.is_file():
        raise StackError(f"There is no backup {str(dump)!r}: make restore FILE=….dump")
    stack.start_warehouse(inbox_folder(stack), os.environ.get("WAREHOUSE_DSN") or None)
    dsn = stack.warehouse_dsn()
    try:
        said = restoring.restore(dsn, dump.resolve(), archive_folder(stack.state, dsn))
    except (KeepingError, psycopg2.Error, OSError) as error:
        raise StackError(str(error)) from error
    print(f"Restored as of {said.made_at}: {len(said.relations)} tables and views, every checksum the same.")
    print("Go on with: make run")
