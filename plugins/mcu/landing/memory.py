"""ops.inbox_file: what earlier runs learned of the inbox's files, so that an old one costs a line of the listing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection

from mcu.landing import rules
from mcu.sources.columns import SOURCES
from mcu.sources.exported_at import ExportedAt

# Whether the content of `file` (sha256, exported_at, exported_at_from) was published as of the same moment, or refused
# by the rules of today. The modification time of a copy says nothing, so that such a file is settled at any moment.
IS_SETTLED = """
    exists (
        select from ops.load
        where load.sha256 = file.sha256 and (
            load.status = 'refused' and load.rules = %(rules)s::jsonb ->> load.source
            or load.status = 'published' and load.replay_of is null
            and (load.exported_at = file.exported_at or file.exported_at_from = 'modified_time')
        )
    )
"""


@dataclass(frozen=True)
class InboxFile:
    """A workbook of the inbox that was read.

    `path`: of its content, local; `uri`: its path relative to the inbox; `sha256`: of its content; `inbox`: which one;
    `size`, `version`: as the listing shows them.
    """

    path: Path
    uri: str
    sha256: str
    exported_at: ExportedAt
    inbox: str = ""
    size: int = 0
    version: str = ""


@dataclass(frozen=True)
class Remembered:
    """A file as it was when it was last read. `source`: None until its headers were read."""

    size: int
    version: str
    exported_at: ExportedAt
    source: str | None
    is_settled: bool

    def may_interest(self, source: str) -> bool:
        """Whether `source` may still have something to do with the unchanged file."""
        return not self.is_settled and self.source in (None, source, rules.UNKNOWN)


def remembered(connection: Connection, inbox: str) -> dict[str, Remembered]:
    """All files of the inbox that were ever read, by uri."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"""
            select uri, size, version, exported_at, exported_at_from, source, {IS_SETTLED}
            from ops.inbox_file as file
            where inbox = %(inbox)s
            """,
            {"inbox": inbox, "rules": _rules()},
        )
        return {
            uri: Remembered(size, version, ExportedAt(moment, told_by), source, is_settled)
            for uri, size, version, moment, told_by, source, is_settled in cursor.fetchall()
        }


def remember(connection: Connection, file: InboxFile) -> None:
    """Write what was learned of a file that was read."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            insert into ops.inbox_file as known
                (inbox, uri, size, version, sha256, exported_at, exported_at_from)
            values (%s, %s, %s, %s, %s, %s, %s)
            on conflict (inbox, uri) do update set
                size = excluded.size, version = excluded.version, sha256 = excluded.sha256,
                exported_at = excluded.exported_at, exported_at_from = excluded.exported_at_from,
                source = case when known.sha256 = excluded.sha256 then known.source end,
                seen_at = clock_timestamp()
            """,
            (file.inbox, file.uri, file.size, file.version, file.sha256, *file.exported_at),
        )


def note_source(connection: Connection, file: InboxFile, source: str) -> None:
    """Write which source the headers told: the other extract need not open the file."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.inbox_file set source = %s where inbox = %s and uri = %s and sha256 = %s",
            (source, file.inbox, file.uri, file.sha256),
        )


def is_settled(connection: Connection, file: InboxFile) -> bool:
    """Whether nothing is to be done with the file; a copy of it may have been loaded just now."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"""
            select {IS_SETTLED}
            from (values (%(sha256)s, %(moment)s, %(told_by)s)) as file (sha256, exported_at, exported_at_from)
            """,
            {"sha256": file.sha256, "moment": file.exported_at.moment, "told_by": file.exported_at.told_by}
            | {"rules": _rules()},
        )
        ((is_settled,),) = cursor.fetchall()
        return bool(is_settled)


def _rules() -> str:
    return json.dumps({source: rules.digest(source) for source in (*SOURCES, rules.UNKNOWN)})
