-- What the newest export of each cabinet shows, day by day of creation, against what the warehouse holds of it.
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

-- The load itself, and those that brought its quarantined rows back.
parts as (
    select load_id, load_id as part_id, source from newest
    union all
    select load.replay_of, load.load_id, load.source
    from ops.load
    join newest on load.replay_of = newest.load_id
    where load.status = 'published'
),

shown as (
    select parts.load_id, key.source_key
    from parts
    cross join lateral (
        select source_key from raw.pos_message where parts.source = 'pos' and load_id = parts.part_id
        union
        select source_key from raw.incident where parts.source = 'incident' and load_id = parts.part_id
        union
        select unnest(source_keys) from raw.unchanged_sighting where load_id = parts.part_id
    ) as key
    group by parts.load_id, key.source_key
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

-- A row that was brought back counts on the day that it is read with now.
counted as (
    select parts.load_id, load_day.created_on, load_day.rows_read, 0 as quarantined, load_day.rows_repeated as repeated
    from parts
    join ops.load_day on load_day.load_id = parts.part_id
    union all
    select
        quarantine.load_id, quarantine.created_on,
        case when quarantine.replayed_by_load_id is null then 0 else -1 end,
        case when quarantine.replayed_by_load_id is null then 1 else 0 end, 0
    from ops.quarantine
    join newest using (load_id)
),

exported as (
    select
        load_id, created_on, sum(rows_read) as rows_in_export, sum(quarantined) as rows_quarantined,
        sum(repeated) as rows_repeated
    from counted
    group by load_id, created_on
),

days as (
    select
        coalesce(exported.load_id, held.load_id) as load_id,
        coalesce(exported.created_on, held.created_on) as created_on,
        coalesce(exported.rows_in_export, 0)::bigint as rows_in_export,
        coalesce(exported.rows_quarantined, 0)::bigint as rows_quarantined,
        coalesce(exported.rows_repeated, 0)::bigint as rows_repeated,
        coalesce(held.messages, 0) as messages_held
    from exported
    full join held
        on
            held.load_id = exported.load_id
            and coalesce(held.created_on, 'infinity') = coalesce(exported.created_on, 'infinity')
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
join newest using (load_id)
where days.rows_in_export <> 0 or days.messages_held <> 0;
comment on view ops.reconciliation is
'The newest export of each cabinet by day of creation: rows counted by the reader against messages held. rows_unexplained is 0.';
