with loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

messages as (

    select * from {{ ref('int_message') }}

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

message_counts as (

    select
        coalesce(messages.source, 'all') as source,
        count(*) as messages,
        count(*) filter (
            where messages.is_municipality_mapped and messages.oktmo = '{{ var("region_oktmo") }}'
        ) as mapped_to_oblast,
        count(*) filter (where not messages.is_municipality_mapped) as unmapped,
        count(*) filter (
            where
            messages.answered_at is null
            and messages.closed_at is null
            and messages.last_seen_exported_at < newest_by_cabinet.newest_exported_at
        ) as stale_open
    from messages
    left join newest_by_cabinet
        on
            messages.source = newest_by_cabinet.source
            and messages.cabinet = newest_by_cabinet.cabinet
    group by grouping sets ((messages.source), ())

),

rpt_data_quality as (

    select
        periods.source,
        coalesce(load_counts.loads, 0) as loads,
        coalesce(load_counts.rows_read, 0) as rows_read,
        coalesce(load_counts.rows_quarantined, 0) as rows_quarantined,
        coalesce(message_counts.messages, 0) as messages,
        coalesce(message_counts.mapped_to_oblast, 0) as mapped_to_oblast,
        coalesce(message_counts.unmapped, 0) as unmapped,
        coalesce(message_counts.stale_open, 0) as stale_open,
        coalesce(reconciliations.rows_in_newest_exports, 0) as rows_in_newest_exports,
        coalesce(reconciliations.rows_unexplained, 0) as rows_unexplained,
        reconciliations.newest_created_on,
        reconciliations.newest_held_created_on,
        periods.newest_exported_at
    from periods
    left join load_counts on periods.source = load_counts.source
    left join message_counts on periods.source = message_counts.source
    left join reconciliations on periods.source = reconciliations.source

)

select * from rpt_data_quality
