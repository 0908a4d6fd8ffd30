"""The whole warehouse into files: pg_dump's archive, the reports that went out, and what must be there afterwards.

Dump and checksums are of one snapshot, so that loads and mails may go on meanwhile.
"""

from __future__ import annotations

import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.keeping import checksums, programs
from mcu.keeping.manifest import Manifest, digest

DUMP, MANIFEST, REPORTS = ".dump", ".json", ".reports.tar"


def back_up(dsn: str, folder: Path, archive: Path, now: datetime) -> Path:
    """Write `<database>_<time>.dump`, `.reports.tar` (if there is an archive) and `.json` into `folder`.

    Returns the dump. Raises KeepingError if pg_dump fails, OSError if something cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(psycopg2.connect(dsn)) as connection:
        server_version = connection.server_version
        names = _relations(connection)
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection, connection.cursor() as cursor:
            checksums.lock(cursor, names)  # before the first look, which is what the transaction sees from then on
            cursor.execute("select pg_export_snapshot(), current_database()")
            ((snapshot, database),) = cursor.fetchall()
            dump = folder / f"{database}_{now:%Y-%m-%d_%H-%M-%S}{DUMP}"
            _private(dump)
            # What a load has staged is of use to that load alone.
            what = ("--format=custom", f"--snapshot={snapshot}", "--exclude-table-data=stage.*", f"--file={dump}")
            programs.run("pg_dump", server_version, dsn, *what)
            relations, sequences = checksums.of(cursor, names), checksums.sequences(cursor)
            roles = _roles(cursor)
    files = [dump, *_pack(archive, dump.with_suffix(REPORTS))]
    digests = {path.name: digest(path) for path in files}
    said = Manifest(now.isoformat(), database, server_version, digests, roles, relations, sequences)
    said.write(dump.with_suffix(MANIFEST))
    return dump


def _relations(connection: Connection) -> list[str]:
    with connection, connection.cursor() as cursor:
        return checksums.relations(cursor)


def _roles(cursor: Cursor) -> tuple[str, ...]:
    """Everybody but the owner to whom something of the database is granted: a dump has the grants, not the roles."""
    cursor.execute(
        """
        select distinct rolname
        from pg_shdepend
        join pg_roles on pg_roles.oid = refobjid
        where deptype = 'a' and rolname !~ '^pg_'
            and dbid = (select oid from pg_database where datname = current_database())
        order by 1
        """
    )
    return tuple(name for (name,) in cursor.fetchall())


def _pack(archive: Path, target: Path) -> list[Path]:
    """The archive of the reports as one file; none if there is no archive."""
    if not archive.is_dir():
        return []
    _private(target)
    with tarfile.open(target, "w") as tar:
        tar.add(archive, arcname=".")
    return [target]


def _private(path: Path) -> None:
    """An empty file for its owner alone: backups hold persons."""
    path.touch(mode=0o600, exist_ok=False)
