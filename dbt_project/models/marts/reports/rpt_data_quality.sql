with loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

messages as (

    select * from {{ ref('message_current') }}

),

messages_before as (

    select * from {{ ref('int_message_before') }}

),

messages_now as (

    select * from {{ ref('int_message_now') }}

),

sightings as (

    select * from {{ source('sightings', 'last_seen') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

cabinets as (

    select * from {{ source('ops', 'load_cabinet') }}

),

reconciled_days as (

    select * from {{ source('ops', 'reconciliation') }}

),

-- Freshness is kept per cabinet: a message is stale when a newer export of its own cabinet no longer shows it.
newest_by_cabinet as (

    select
        loads.source,
        coalesce(cabinets.cabinet, '') as cabinet,
        max(loads.exported_at) as newest_exported_at
    from loads
    left join cabinets on loads.load_id = cabinets.load_id
    group by loads.source, coalesce(cabinets.cabinet, '')

),

-- What the newest exports show, by the reader's count, and what the warehouse holds of it.
reconciliations as (

    select
        coalesce(source, 'all') as source,
        sum(rows_in_export)::bigint as rows_in_newest_exports,
        sum(rows_unexplained)::bigint as rows_unexplained,
        max(created_on) filter (where rows_in_export > rows_quarantined) as newest_created_on,
        max(created_on) filter (where messages_held > 0) as newest_held_created_on
    from reconciled_days
    group by grouping sets ((source), ())

),

load_counts as (

    select
        coalesce(source, 'all') as source,
        count(*) filter (where not is_replay) as loads,
        sum(rows_read)::bigint as rows_read,
        sum(rows_quarantined)::bigint as rows_quarantined
    from loads
    group by grouping sets ((source), ())

),

-- The published counts, with what the changed messages bring now and brought before.
counted_messages as (

    select
        source,
        is_municipality_mapped,
        oktmo,
        1 as messages
    from messages
    union all
    select
        source,
        is_municipality_mapped,
        oktmo,
        -1 as messages
    from messages_before

),

message_counts as (

    select
        coalesce(source, 'all') as source,
        sum(messages) as messages,
        sum(messages) filter (where is_municipality_mapped and oktmo = '{{ var("region_oktmo") }}') as mapped_to_oblast,
        sum(messages) filter (where not is_municipality_mapped) as unmapped
    from counted_messages
    group by grouping sets ((source), ())
    {%- if is_delta() %}
    union all
    select
        source,
        messages,
        mapped_to_oblast,
        unmapped
    from {{ published("rpt_data_quality") }}
    {%- endif %}

),

message_totals as (

    select
        source,
        sum(messages)::bigint as messages,
        sum(mapped_to_oblast)::bigint as mapped_to_oblast,
        sum(unmapped)::bigint as unmapped
    from message_counts
    group by source

),

stale_counts as (

    select
        coalesce(messages_now.source, 'all') as source,
        count(*) as stale_open
    from messages_now
    inner join sightings
        on
            messages_now.source = sightings.source
            and messages_now.source_key = sightings.source_key
    inner join newest_by_cabinet
        on
            messages_now.source = newest_by_cabinet.source
            and coalesce(sightings.cabinet, '') = newest_by_cabinet.cabinet
    where
        messages_now.answered_at is null
        and messages_now.closed_at is null
        and sightings.last_seen_exported_at < newest_by_cabinet.newest_exported_at
    group by grouping sets ((messages_now.source), ())

),

rpt_data_quality as (

    select
        periods.source,
        coalesce(load_counts.loads, 0) as loads,
        coalesce(load_counts.rows_read, 0) as rows_read,
        coalesce(load_counts.rows_quarantined, 0) as rows_quarantined,
        coalesce(message_totals.messages, 0) as messages,
        coalesce(message_totals.mapped_to_oblast, 0) as mapped_to_oblast,
        coalesce(message_totals.unmapped, 0) as unmapped,
        coalesce(stale_counts.stale_open, 0) as stale_open,
        coalesce(reconciliations.rows_in_newest_exports, 0) as rows_in_newest_exports,
        coalesce(reconciliations.rows_unexplained, 0) as rows_unexplained,
        reconciliations.newest_created_on,
        reconciliations.newest_held_created_on,
        periods.newest_exported_at
    from periods
    left join load_counts on periods.source = load_counts.source
    left join message_totals on periods.source = message_totals.source
    left join stale_counts on periods.source = stale_counts.source
    left join reconciliations on periods.source = reconciliations.source

)

select * from rpt_data_quality
