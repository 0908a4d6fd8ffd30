"""From a validated stage table to `raw`, `ops.quarantine` and the ledger, in one transaction.

A row version says: as of its exported_at the row had this content. It is stored only where the content differs from
what was known at that moment (the newest version up to then; of several at one moment the one with the greater hash).
A key that a load showed unchanged goes to raw.unchanged_sighting, so that an older export may still arrive later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from mcu.landing import stage
from mcu.landing.schema import raw_table
from mcu.sources import columns


@dataclass(frozen=True)
class Publication:
    """What became of the rows of one load: `read` is always the sum of the next four.

    `contradicted`: keys to which another file gave other content as of the same moment; the greater hash counts.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    quarantined: int
    contradicted: tuple[str, ...]


def publish(
    cursor: Cursor, source: str, load_id: int, exported_at: dt.datetime, faults: Mapping[int, Sequence[str]]
) -> Publication:
    """Publish one load inside the caller's transaction; `faults`: reasons by row number. The stage table is dropped."""
    cursor.execute("select pg_advisory_xact_lock(hashtext('mcu.load.' || %s))", (source,))
    statements = _Statements(cursor, source, load_id, exported_at)
    statements.quarantine(faults)
    statements.compare()
    statements.insert_versions()
    statements.keep_later_states()
    statements.note_sightings()
    statements.close_ledger()
    publication = statements.result()
    stage.drop(cursor, source, load_id)
    return publication


def _cabinet(source: str) -> sql.Composable:
    """The field with the cabinet that exported a row; null in a source without one."""
    fields = [field for field, kind in columns.load(source).types.items() if kind == "cabinet"]
    return sql.Identifier(fields[0]) if fields else sql.NULL


class _Statements:
    """The statements of one publication, in the order `publish` runs them."""

    def __init__(self, cursor: Cursor, source: str, load_id: int, exported_at: dt.datetime) -> None:
        self._cursor = cursor
        self._source = source
        self._parameters = {"source": source, "load_id": load_id, "exported_at": exported_at}
        fields = [*columns.load(source).types, "extra"]
        self._names = {
            "stage": stage.table(source, load_id),
            "raw": raw_table(source),
            "fields": sql.SQL(", ").join(map(sql.Identifier, fields)),
            "stage_fields": sql.SQL(", ").join(sql.Identifier("s", field) for field in fields),
            "known_fields": sql.SQL(", ").join(sql.Identifier("known", field) for field in fields),
            "created_on": sql.SQL(stage.created_on(source)),
            "cabinet": _cabinet(source),
        }

    def run(self, statement: str, **parameters: object) -> None:
        """Run one statement with the names and parameters of this load filled in."""
        self._cursor.execute(sql.SQL(statement).format(**self._names), {**self._parameters, **parameters})

    def quarantine(self, faults: Mapping[int, Sequence[str]]) -> None:
        self.run(
            """
            create temporary table fault on commit drop as
            select row_number, array_agg(reason) as reasons
            from unnest(%(rows)s::bigint[], %(reasons)s::text[]) as f (row_number, reason)
            group by row_number
            """,
            rows=[row for row, reasons in faults.items() for _ in reasons],
            reasons=[reason for reasons in faults.values() for reason in reasons],
        )
        self.run(
            """
            insert into ops.quarantine (load_id, source, row_number, source_key, created_on, payload, reasons)
            select
                %(load_id)s, %(source)s, row_number, source_key, s.created_on,
                (
                    select coalesce(jsonb_object_agg(key, value), '{{}}')
                    from jsonb_each(jsonb_strip_nulls(to_jsonb(s))) as field (key, value)
                    where key = any(%(payload)s)
                ),
                reasons
            from {stage} as s
            join fault using (row_number)
            """,
            payload=["source_key", *columns.load(self._source).types, "extra"],
        )

    def compare(self) -> None:
        """Sound rows, one a key, with what is known: `new`, `changed` or `unchanged`."""
        self.run(
            """
            create temporary table observation on commit drop as
            with sound as (
                select distinct on (source_key collate "C")
                    source_key, row_number, content_hash, is_known, row_digest, {cabinet} as cabinet,
                    {created_on} as created_on
                from {stage}
                where not exists (select from fault where fault.row_number = {stage}.row_number)
                order by source_key collate "C", is_known desc, row_number
            )
            select sound.*, content_hash as known_hash, null::timestamptz as known_at, 'unchanged' as verdict
            from sound
            where is_known
            union all
            select
                s.*, known.content_hash as known_hash, known.exported_at as known_at,
                case
                    when known.content_hash = s.content_hash or exists (
                        select from {raw} as same
                        where
                            same.source_key = s.source_key
                            and same.exported_at = %(exported_at)s
                            and same.content_hash = s.content_hash
                    ) then 'unchanged'
                    when exists (select from {raw} as any_version where any_version.source_key = s.source_key)
                        then 'changed'
                    else 'new'
                end as verdict
            from sound as s
            left join lateral (
                select content_hash, exported_at
                from {raw} as version
                where version.source_key = s.source_key and version.exported_at <= %(exported_at)s
                order by exported_at desc, content_hash desc
                limit 1
            ) as known on true
            where not s.is_known
            """
        )
        self.run("analyze observation (source_key, row_number, verdict)")

    def insert_versions(self) -> None:
        self.run(
            """
            insert into {raw} (source_key, content_hash, exported_at, load_id, row_number, {fields})
            select s.source_key, s.content_hash, %(exported_at)s, %(load_id)s, s.row_number, {stage_fields}
            from {stage} as s
            join observation as o using (row_number)
            where o.verdict <> 'unchanged'
            """
        )

    def keep_later_states(self) -> None:
        """What exports of this moment or later showed as unchanged must stay so, though an older export slips in.

        The state that was known before is written out as a version of the first load that saw it: at this very
        moment, and, where another content counts from this moment on, at the next sighting after it.
        """
        self.run(
            """
            create temporary table later_load on commit drop as
            select load_id, exported_at
            from ops.load
            where source = %(source)s and status = 'published' and exported_at >= %(exported_at)s
            """
        )
        if self._cursor.rowcount:
            self._write_out_sightings("later_load.exported_at = %(exported_at)s and o.known_at < %(exported_at)s")
            self._write_out_sightings("later_load.exported_at > %(exported_at)s")

    def _write_out_sightings(self, condition: str) -> None:
        self.run(
            f"""
            create temporary table write_out on commit drop as
            select distinct on (source_key) source_key, o.known_hash, o.known_at, later_load.load_id,
                later_load.exported_at
            from later_load
            join raw.unchanged_sighting using (load_id)
            cross join unnest(source_keys) as sighted (source_key)
            join observation as o using (source_key)
            where
                {condition}
                and o.verdict <> 'unchanged'
                and not exists (
                    select from {{raw}} as version
                    where
                        version.source_key = o.source_key
                        and version.exported_at > %(exported_at)s
                        and version.exported_at <= later_load.exported_at
                )
                and o.known_hash <> (
                    select max(version.content_hash) from {{raw}} as version
                    where version.source_key = o.source_key and version.exported_at = %(exported_at)s
                )
            order by source_key, later_load.exported_at, later_load.load_id
            """
        )
        self.run(
            """
            insert into {raw} (source_key, content_hash, exported_at, load_id, row_number, {fields})
            select w.source_key, w.known_hash, w.exported_at, w.load_id, null, {known_fields}
            from write_out as w
            join {raw} as known
                on known.source_key = w.source_key
                and known.exported_at = w.known_at
                and known.content_hash = w.known_hash
            """
        )
        self.run(
            """
            update raw.unchanged_sighting as u
            set source_keys = array(
                select unnest(u.source_keys) except select source_key from write_out where load_id = u.load_id
            )
            where load_id in (select load_id from write_out)
            """
        )
        self.run(
            """
            update ops.load
            set rows_unchanged = rows_unchanged - moved.rows, rows_changed = rows_changed + moved.rows
            from (select load_id, count(*) as rows from write_out group by load_id) as moved
            where load.load_id = moved.load_id
            """
        )
        self.run("drop table write_out")

    def note_sightings(self) -> None:
        self.run(
            """
            insert into raw.unchanged_sighting (load_id, source_keys)
            select %(load_id)s, array_agg(source_key order by source_key collate "C")
            from observation
            where verdict = 'unchanged'
            having count(*) > 0
            """
        )
        self.run(
            """
            update raw.last_seen as seen
            set
                last_seen_exported_at = %(exported_at)s, content_hash = o.content_hash, row_digest = o.row_digest,
                cabinet = o.cabinet, created_on = o.created_on
            from observation as o
            where
                seen.source = %(source)s
                and seen.source_key = o.source_key
                and (seen.last_seen_exported_at, coalesce(seen.content_hash, '')) < (%(exported_at)s, o.content_hash)
            """
        )
        self.run(
            """
            insert into raw.last_seen
                (source, source_key, last_seen_exported_at, content_hash, row_digest, cabinet, created_on)
            select %(source)s, source_key, %(exported_at)s, content_hash, row_digest, cabinet, created_on
            from observation as o
            where not exists (
                select from raw.last_seen as seen where seen.source = %(source)s and seen.source_key = o.source_key
            )
            """
        )

    def close_ledger(self) -> None:
        self.run(
            """
            insert into ops.load_cabinet (load_id, cabinet, rows_read)
            select %(load_id)s, cabinet, count(*)
            from (select left({cabinet}, 200) as cabinet from {stage}) as s  -- a key holds no long text
            where cabinet is not null
            group by cabinet
            """
        )
        self.run(
            """
            update ops.load_day
            set rows_quarantined = found.quarantined, rows_repeated = found.repeated
            from (
                select
                    s.created_on,
                    count(fault.row_number) as quarantined,
                    count(*) filter (where fault.row_number is null and o.row_number is null) as repeated
                from {stage} as s
                left join fault using (row_number)
                left join observation as o using (row_number)
                group by s.created_on
            ) as found
            where load_id = %(load_id)s and load_day.created_on is not distinct from found.created_on
            """
        )
        self.run(
            """
            update ops.load
            set
                status = 'published', finished_at = clock_timestamp(), error = null,
                rows_read = c.read, rows_new = c.new, rows_changed = c.changed, rows_quarantined = c.quarantined,
                rows_unchanged = c.read - c.new - c.changed - c.quarantined
            from (
                select
                    (select count(*) from {stage}) as read,
                    (select count(*) from fault) as quarantined,
                    (select count(*) from observation where verdict = 'new') as new,
                    (select count(*) from observation where verdict = 'changed') as changed
            ) as c
            where load_id = %(load_id)s
            """
        )

    def result(self) -> Publication:
        # Counted key by key: of this moment the planner knows nothing yet, a join would compare each row with each.
        self.run(
            """
            select
                rows_read, rows_new, rows_changed, rows_unchanged, rows_quarantined,
                array(
                    select o.source_key
                    from observation as o
                    where o.verdict <> 'unchanged' and (
                        select count(*) from {raw} as version
                        where version.source_key = o.source_key and version.exported_at = %(exported_at)s
                    ) > 1
                    order by o.source_key
                )
            from ops.load
            where load_id = %(load_id)s
            """
        )
        ((read, new, changed, unchanged, quarantined, contradicted),) = self._cursor.fetchall()
        return Publication(read, new, changed, unchanged, quarantined, tuple(contradicted))
