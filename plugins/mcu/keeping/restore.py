"""A backup into an empty database, and the proof that it holds what the backup held."""

from __future__ import annotations

import tarfile
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from mcu.keeping import checksums, programs
from mcu.keeping.backup import MANIFEST, REPORTS
from mcu.keeping.manifest import Manifest
from mcu.keeping.programs import KeepingError


def restore(dsn: str, dump: Path, archive: Path) -> Manifest:
    """Restore `dump` into the database `dsn` and the reports beside it into `archive`; returns what was restored.

    Both must be empty. Everything belongs to the user of `dsn` then; roles that the grants name are made, without a
    login, where they are missing. Raises KeepingError, and has changed nothing, if a file is damaged or something is
    not empty; with the database left for looking at if it holds something else than the manifest says.
    """
    said = Manifest.read(dump.with_suffix(MANIFEST))
    if dump.name not in said.files:
        raise KeepingError(f"{dump} is not the dump of the manifest beside it.")
    said.check_files(dump.parent)
    with closing(psycopg2.connect(dsn)) as connection:
        _refuse_what_is_not_empty(connection, archive)
        _make_roles(connection, said.roles)
        how = ("--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={connection.info.dbname}")
        programs.run("pg_restore", connection.server_version, dsn, *how, dump)
        _compare(connection, said)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("analyze")  # a dump has no statistics, without which the first build takes long
    reports = dump.with_suffix(REPORTS)
    if reports.name in said.files:
        archive.mkdir(parents=True, exist_ok=True)
        with tarfile.open(reports) as tar:
            tar.extractall(archive, filter="data")
    return said


def _refuse_what_is_not_empty(connection: Connection, archive: Path) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select nspname from pg_namespace
            where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
            union all
            select relname from pg_class where relnamespace = to_regnamespace('public')
            order by 1
            """
        )
        found = [name for (name,) in cursor.fetchall()]
    if found:
        raise KeepingError(
            f"The database {connection.info.dbname} is not empty, it holds: {', '.join(found)}. "
            "A restore never overwrites: give an empty database, or remove what is there first."
        )
    if archive.is_dir() and any(archive.iterdir()):
        raise KeepingError(f"The archive of reports {archive} is not empty: move it away first.")


def _make_roles(connection: Connection, roles: tuple[str, ...]) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("select rolname from pg_roles")
        there = {name for (name,) in cursor.fetchall()}
        for role in sorted({*roles} - there):
            cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))


def _compare(connection: Connection, said: Manifest) -> None:
    with connection, connection.cursor() as cursor:
        found = checksums.of(cursor, checksums.relations(cursor))
        sequences = checksums.sequences(cursor)
    differences = checksums.differences(said.relations, found) + checksums.differences(said.sequences, sequences)
    if differences:
        raise KeepingError("The restored warehouse is not the one of the backup:\n" + "\n".join(differences))
