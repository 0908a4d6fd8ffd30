-- What the newest export of each cabinet shows, day by day of creation, against what `raw` holds of it.
create or replace view ops.reconciliation as
with published as (
    select load.load_id, load.source, load.uri, load.exported_at, coalesce(load_cabinet.cabinet, '') as cabinet
    from ops.load
    left join ops.load_cabinet using (load_id)
    where load.status = 'published' and load.replay_of is null
),

newest as (
    select distinct load_id, source, uri, exported_at
    from (
        select distinct on (source, cabinet) * from published order by source, cabinet, exported_at desc, load_id desc
    ) as newest_of_a_cabinet
),

shown as (
    select newest.load_id, key.source_key
    from newest
    cross join lateral (
        select source_key from raw.pos_message where newest.source = 'pos' and load_id = newest.load_id
        union
        select source_key from raw.incident where newest.source = 'incident' and load_id = newest.load_id
        union
        select unnest(source_keys) from raw.unchanged_sighting where load_id = newest.load_id
    ) as key
),

held as (
    select shown.load_id, last_seen.created_on, count(*) as messages
    from shown
    join newest using (load_id)
    join raw.last_seen
        on
            last_seen.source = newest.source
            and last_seen.source_key = shown.source_key
            and last_seen.last_seen_exported_at >= newest.exported_at
    group by shown.load_id, last_seen.created_on
),

days as (
    select
        coalesce(load_day.load_id, held.load_id) as load_id,
        coalesce(load_day.created_on, held.created_on) as created_on,
        coalesce(load_day.rows_read, 0) as rows_in_export,
        coalesce(load_day.rows_quarantined, 0) as rows_quarantined,
        coalesce(load_day.rows_repeated, 0) as rows_repeated,
        coalesce(held.messages, 0) as messages_held
    from (select load_day.* from ops.load_day join newest using (load_id)) as load_day
    full join held
        on
            held.load_id = load_day.load_id
            and coalesce(held.created_on, 'infinity') = coalesce(load_day.created_on, 'infinity')
)

select
    newest.source,
    newest.load_id,
    newest.uri,
    newest.exported_at,
    days.created_on,
    days.rows_in_export,
    days.rows_quarantined,
    days.rows_repeated,
    days.messages_held,
    days.rows_in_export - days.rows_quarantined - days.rows_repeated - days.messages_held as rows_unexplained
from days
join newest using (load_id);
comment on view ops.reconciliation is
'The newest export of each cabinet by day of creation: rows counted by the reader against messages held. rows_unexplained is 0.';
