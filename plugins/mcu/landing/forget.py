"""Removes a person from everything that the warehouse and its state folder hold, and keeps every count.

The rows stay, with their keys, dates, topics and marks; the fields that tell of the author are emptied. What is kept
of the content is its hash, so that the same row in another export is still no change (ADR 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from mcu.landing import ledger, stripped
from mcu.landing.load import connect
from mcu.landing.schema import raw_table
from mcu.quality import docs
from mcu.sources import columns

PROBE = 40  # characters by which a value is found in an error text, which may have cut it off
MIN_PROBE = 8  # a shorter value stands in texts about something else


class ForgetError(Exception):
    """Nothing was removed; the text says why and what to do, without the person."""


class BuildIsRunningError(ForgetError):
    """The marts are being built: later it will go."""


@dataclass(frozen=True)
class Forgotten:
    """What was found and emptied.

    `messages`; `versions` of them in raw; `quarantined` rows; `results` of the gate and `errors` of loads and builds
    that showed a value of theirs.
    """

    messages: int
    versions: int
    quarantined: int
    results: int
    errors: int


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
    with (
        closing(connect(dsn)) as connection,
        ledger.only_run(connection, "pos"),
        ledger.only_run(connection, "incident"),
        connection,
        connection.cursor() as cursor,
    ):
        _refuse_during_a_build(cursor)
        _find(cursor, author, message_ids)
        done = _empty(cursor)
        if dry_run:
            connection.rollback()
        else:
            _note(cursor, done, author, by, run_id)
            docs.clear(state / "data_docs")  # before the commit: cut off in between, only pages are lost
    return done


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


def _empty(cursor: Cursor) -> Forgotten:
    """Empty every place that holds something of the found messages."""
    cursor.execute("create temporary table removed (value text) on commit drop")
    for source in columns.SOURCES:
        _collect_removed(cursor, source)
    cursor.execute("select count(*) from found")
    ((messages,),) = cursor.fetchall()
    versions = sum(_empty_raw(cursor, source) for source in columns.SOURCES)
    quarantined = sum(_empty_quarantine(cursor, source) for source in columns.SOURCES)
    _empty_marts(cursor)
    return Forgotten(messages, versions, quarantined, _empty_results(cursor), _empty_errors(cursor))


def _collect_removed(cursor: Cursor, source: str) -> None:
    """The values that are about to go: they may stand elsewhere, in what checks and errors show."""
    pairs = [
        sql.SQL("({}, {})").format(sql.Identifier("t", field), left)
        for field, left in stripped.fields(source, "t").items()
    ]
    cursor.execute(
        sql.SQL(
            """
            insert into removed
            with affected as (
                select t.* from {raw} as t join found using (source_key) where source = %(source)s
                union all
                select t.*
                from found_row
                join ops.quarantine as q using (load_id, row_number)
                cross join jsonb_populate_record(null::{raw}, q.payload) as t
                where found_row.source = %(source)s
            )
            select value from affected as t cross join lateral (values {pairs}) as field (value, stays)
            where value is distinct from stays
            union
            select text.value from affected as t cross join jsonb_each_text(t.extra) as text
            """
        ).format(raw=raw_table(source), pairs=sql.SQL(", ").join(pairs)),
        {"source": source},
    )


def _empty_raw(cursor: Cursor, source: str) -> int:
    """The content hash stays: it tells an unchanged row from a changed one, and the versions of one moment apart."""
    cursor.execute(
        sql.SQL(
            "update {raw} as t set {assignments} from found where found.source = %s and found.source_key = t.source_key"
        ).format(raw=raw_table(source), assignments=stripped.assignments(source, "t")),
        (source,),
    )
    return cursor.rowcount


def _empty_quarantine(cursor: Cursor, source: str) -> int:
    """The reasons lose the values that they show."""
    left = stripped.fields(source, "t")
    cursor.execute(
        sql.SQL(
            """
            update ops.quarantine as q
            set
                payload = emptied.payload,
                reasons = array(select split_part(reason, ': ', 1) from unnest(q.reasons) as reason)
            from (
                select
                    q.load_id, q.row_number,
                    jsonb_strip_nulls(q.payload || jsonb_object({names}, array[{left}])) - 'extra' as payload
                from found_row
                join ops.quarantine as q using (load_id, row_number)
                cross join jsonb_populate_record(null::{raw}, q.payload) as t
                where found_row.source = %s
            ) as emptied
            where q.load_id = emptied.load_id and q.row_number = emptied.row_number
            """
        ).format(names=sql.Literal(list(left)), left=sql.SQL(", ").join(left.values()), raw=raw_table(source)),
        (source,),
    )
    return cursor.rowcount


def _empty_marts(cursor: Cursor) -> None:
    """What the last builds made, published or not, is emptied as the next build would make it."""
    for table, names in _tables(cursor, ("staging", "intermediate", "marts", "marts_build"), "author"):
        key = "source_key" if "source_key" in names else "split_part(message_id, ':', 2)"
        cursor.execute(
            sql.SQL(
                "update {} set author = null"
                " where author is not null and {} in (select source_key from found where source = 'incident')"
            ).format(table, sql.SQL(key))
        )
    for table, names in _tables(cursor, ("pii", "pii_build"), "message_id"):
        for source in columns.SOURCES:
            left = {field: stays for field, stays in stripped.fields(source, "t").items() if field in names}
            cursor.execute(
                sql.SQL(
                    "update {} as t set {} from found where source = %s and t.message_id = source || ':' || source_key"
                ).format(table, sql.SQL(", ").join(sql.Identifier(f) + sql.SQL(" = ") + s for f, s in left.items())),
                (source,),
            )


def _tables(cursor: Cursor, schemas: Sequence[str], with_column: str) -> list[tuple[sql.Identifier, list[str]]]:
    """Tables of the schemas that have the column, with the names of all their columns."""
    cursor.execute(
        """
        select table_schema, table_name, array_agg(column_name::text)
        from information_schema.columns
        join information_schema.tables using (table_schema, table_name)
        where table_schema = any(%s) and table_type = 'BASE TABLE'
        group by 1, 2
        having %s = any(array_agg(column_name::text))
        order by 1, 2
        """,
        (list(schemas), with_column),
    )
    return [(sql.Identifier(schema, table), names) for schema, table, names in cursor.fetchall()]


def _empty_results(cursor: Cursor) -> int:
    """Values that the gate has shown."""
    cursor.execute(
        """
        with shown as (
            select
                result_id,
                jsonb_agg(entry order by position) filter (where removed.value is null) as entries,
                count(removed.value) as found
            from ops.validation_result
            cross join jsonb_array_elements(observed -> 'values') with ordinality as list (entry, position)
            left join (select distinct value from removed) as removed on removed.value = entry ->> 'value'
            group by result_id
        )
        update ops.validation_result as result
        set observed = jsonb_set(observed, '{values}', coalesce(entries, '[]'))
        from shown
        where result.result_id = shown.result_id and found > 0
        """
    )
    return cursor.rowcount


def _empty_errors(cursor: Cursor) -> int:
    """Error texts of the server show the line that it stumbled over."""
    found = 0
    for table, column, failed in (
        ("load", "error", "status = 'failed'"),
        ("dbt_result", "message", "status not in ('success', 'pass')"),
    ):
        cursor.execute(
            sql.SQL(
                """
                update {table} set {column} = %(hidden)s
                where
                    {column} is not null
                    and {failed}
                    and exists (
                        select from removed
                        where length(value) >= %(shortest)s and strpos({column}, left(value, %(probe)s)) > 0
                    )
                """
            ).format(table=sql.Identifier("ops", table), column=sql.Identifier(column), failed=sql.SQL(failed)),
            {"hidden": stripped.HIDDEN, "shortest": MIN_PROBE, "probe": PROBE},
        )
        found += cursor.rowcount
    return found


def _note(cursor: Cursor, done: Forgotten, author: str | None, by: str, run_id: str) -> None:
    """Who did it and when; and the messages, so that no later export brings their author back."""
    cursor.execute(
        """
        insert into ops.forgotten (author, forgotten_by, run_id, messages, versions, quarantined, results, errors)
        values (
            %(author)s, %(by)s, %(run_id)s, %(messages)s, %(versions)s, %(quarantined)s, %(results)s, %(errors)s
        )
        returning forgotten_id
        """,
        {**asdict(done), "author": _pseudonym(cursor, author) if author else None, "by": by, "run_id": run_id},
    )
    ((forgotten_id,),) = cursor.fetchall()
    cursor.execute(
        "insert into ops.forgotten_message select source, source_key, %s from found on conflict do nothing",
        (forgotten_id,),
    )
