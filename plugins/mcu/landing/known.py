"""Rows of an export that the warehouse holds as they stand there: they need no reading, checking or storing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from psycopg2.extensions import connection as Connection


class KnownRow(NamedTuple):
    """What the newest export of a key made of the very same row."""

    source_key: str
    content_hash: str
    cabinet: str | None
    created_on: dt.date | None


class KnownRows:
    """Asks which rows of one export are known, by the digest of what stands in them.

    A row is known if the newest export of its key was not made later and showed the same digest: it has passed the
    gate, its content counts at this moment too. A row of an older export than that is read like a new one.
    """

    def __init__(self, connection: Connection, source: str, exported_at: dt.datetime) -> None:
        """`connection`: one of its own, the loading one is busy with COPY."""
        self._connection = connection
        self._parameters = {"source": source, "exported_at": exported_at}

    def find(self, digests: Sequence[bytes]) -> dict[int, KnownRow]:
        """The known rows by their position in `digests`."""
        with self._connection, self._connection.cursor() as cursor:
            # Few of many: the planner, which knows nothing of the array, would read the whole table each time.
            cursor.execute("set local enable_hashjoin = off; set local enable_mergejoin = off")
            cursor.execute(
                """
                select asked.position, seen.source_key, seen.content_hash, seen.cabinet, seen.created_on
                from unnest(%(digests)s::uuid[]) with ordinality as asked (row_digest, position)
                join raw.last_seen as seen using (row_digest)
                where seen.source = %(source)s and seen.last_seen_exported_at <= %(exported_at)s
                """,
                {**self._parameters, "digests": "{" + ",".join(digest.hex() for digest in digests) + "}"},
            )
            return {row[0] - 1: KnownRow._make(row[1:]) for row in cursor.fetchall()}
