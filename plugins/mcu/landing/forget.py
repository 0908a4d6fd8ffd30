"""Removes a person from everything that the warehouse and its state folder hold, and keeps every count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from mcu.landing import ledger
from mcu.landing.emptying import Forgotten, empty
from mcu.landing.load import connect
from mcu.quality import docs
from mcu.sources import columns


class ForgetError(Exception):
    """Nothing was removed; the text says why and what to do, without the person."""


class BuildIsRunningError(ForgetError):
    """The marts are being built: later it will go."""


def forget(
    dsn: str,
    state: Path,
    *,
    author: str | None = None,
    message_ids: Sequence[str] = (),
    by: str,
    run_id: str,
    dry_run: bool = False,
) -> Forgotten:
    """Forget the messages of an author, or those of `message_ids`; all of it in one transaction, or nothing.

    `author`: the address of their page, or the pseudonym that `bi.fct_message.author` shows; `message_ids`: as
    `bi.fct_message.message_id`; `by`: who does it, for `ops.forgotten`; `dry_run`: only count.
    Waits for running loads. Raises BuildIsRunningError while the marts are being built, ForgetError for an unknown
    message and without anybody to forget. A second time it changes nothing.
    """
    if bool(author and author.strip()) == bool(message_ids):
        raise ForgetError("Give either an author or message ids.")
    with alone(dsn) as cursor:
        _find(cursor, author, message_ids)
        done = empty(cursor)
        if dry_run:
            cursor.connection.rollback()
        else:
            note(cursor, done, _pseudonym(cursor, author) if author else None, by, run_id)
            docs.clear(state / "data_docs")  # before the commit: cut off in between, only pages are lost
    return done


@contextmanager
def alone(dsn: str) -> Iterator[Cursor]:
    """A transaction, committed at the end, during which nothing is loaded and no build begins.

    Waits for running loads. Raises BuildIsRunningError while the marts are being built.
    """
    with (
        closing(connect(dsn)) as connection,
        ledger.only_run(connection, "pos"),
        ledger.only_run(connection, "incident"),
        connection,
        connection.cursor() as cursor,
    ):
        _refuse_during_a_build(cursor)
        yield cursor


def _refuse_during_a_build(cursor: Cursor) -> None:
    """A build has read what is to be forgotten, and would publish it. The next one waits for these locks."""
    for source in sorted(columns.SOURCES):
        cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.load.' || %s))", (source,))
    cursor.execute("select exists (select from ops.mart_build where status = 'running')")
    if cursor.fetchall() == [(True,)]:
        raise BuildIsRunningError(
            "The marts are being built: try again after that. Was the build killed, run build_marts."
        )


def _find(cursor: Cursor, author: str | None, message_ids: Sequence[str]) -> None:
    """Temporary tables `found` (messages) and `found_row` (rows in quarantine, which may lack a key)."""
    cursor.execute(
        "create temporary table found (source text, source_key text, primary key (source, source_key)) on commit drop"
    )
    if author:
        pseudonym = _pseudonym(cursor, author)
        cursor.execute(
            """
            insert into found
            select 'incident', source_key from raw.incident where pii.author_pseudonym(author_url) = %(author)s
            union
            select source, source_key from ops.forgotten_message join ops.forgotten using (forgotten_id)
            where author = %(author)s
            """,
            {"author": pseudonym},
        )
    else:
        pseudonym = None
        cursor.execute(
            """
            insert into found
            select distinct split_part(id, ':', 1), substr(id, strpos(id, ':') + 1)
            from unnest(%s) as id
            """,
            (list(message_ids),),
        )
        _refuse_unknown(cursor)
    cursor.execute(
        """
        create temporary table found_row on commit drop as
        select load_id, row_number, source
        from ops.quarantine
        where (source, source_key) in (table found) or pii.author_pseudonym(payload ->> 'author_url') = %s
        """,
        (pseudonym,),
    )


def _pseudonym(cursor: Cursor, author: str) -> str:
    cursor.execute(
        "select case when %(author)s ~ '^[0-9a-f]{64}$' then %(author)s else pii.author_pseudonym(%(author)s) end",
        {"author": author.strip()},
    )
    ((pseudonym,),) = cursor.fetchall()
    if pseudonym is None:
        raise ForgetError("This is no address of a page.")
    return str(pseudonym)


def _refuse_unknown(cursor: Cursor) -> None:
    cursor.execute(
        """
        select source || ':' || source_key from found
        where
            not exists (
                select from raw.last_seen as seen
                where seen.source = found.source and seen.source_key = found.source_key
            )
            and (source, source_key) not in (select source, source_key from ops.quarantine where source_key is not null)
        order by 1
        """
    )
    if unknown := [message_id for (message_id,) in cursor.fetchall()]:
        raise ForgetError(f"No such messages: {', '.join(unknown)}")


def note(cursor: Cursor, done: Forgotten, author: str | None, by: str, run_id: str) -> None:
    """Who did it and when; and the messages `found`, so that no later export brings their author back.

    `author`: a pseudonym.
    """
    cursor.execute(
        """
        insert into ops.forgotten (author, forgotten_by, run_id, messages, versions, quarantined, results, errors)
        values (
            %(author)s, %(by)s, %(run_id)s, %(messages)s, %(versions)s, %(quarantined)s, %(results)s, %(errors)s
        )
        returning forgotten_id
        """,
        {**asdict(done), "author": author, "by": by, "run_id": run_id},
    )
    ((forgotten_id,),) = cursor.fetchall()
    cursor.execute(
        "insert into ops.forgotten_message select source, source_key, %s from found on conflict do nothing",
        (forgotten_id,),
    )
