"""Empties every place of the warehouse that holds something of certain messages, and keeps every count.

The rows stay, with their keys, dates, topics and marks; the fields that tell of the author are emptied. What is kept
of the content is its hash, so that the same row in another export is still no change (ADR 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from mcu.landing import stripped
from mcu.landing.schema import raw_table
from mcu.sources import columns

PROBE = 40  # characters by which a value is found in an error text, which may have cut it off
MIN_PROBE = 8  # a shorter value stands in texts about something else


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


def empty(cursor: Cursor) -> Forgotten:
    """Empty whatever holds something of the messages and rows of quarantine in two temporary tables of the caller.

    `found` (source, source_key), `found_row` (load_id, row_number, source).
    """
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
