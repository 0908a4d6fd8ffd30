with messages as (

    select * from {{ ref('int_message') }}

),

published_loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

enabled_sources as (

    {{ enabled_source_rows() }}

),

first_dates as (

    select
        source,
        min({{ local_date("created_at") }}) as first_date
    from messages
    group by source

),

newest_exports as (

    select
        source,
        max(exported_at) as newest_exported_at
    from published_loads
    group by source

),

-- Up to the last whole day before the newest export, never by the wall clock.
source_periods as (

    select
        enabled_sources.source,
        first_dates.first_date,
        {{ local_date("newest_exports.newest_exported_at") }} - 1 as last_date,
        newest_exports.newest_exported_at
    from enabled_sources
    left join first_dates on enabled_sources.source = first_dates.source
    left join newest_exports on enabled_sources.source = newest_exports.source

),

-- A total exists only where every enabled source has the day.
total_period as (

    select
        'all' as source,
        max(first_date) as first_date,
        min(last_date) as last_date,
        min(newest_exported_at) as newest_exported_at
    from source_periods
    having count(*) = count(first_date) and count(*) = count(last_date)

),

int_source_period as (

    select * from source_periods
    union all
    select * from total_period

)

select * from int_source_period
