with messages as (

    select * from {{ ref('message_current') }}

),

-- Not materialized: only the first entry of its index is read.
published_messages as not materialized (

    {{ published_before("message_current") }}

),

published_loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

enabled_sources as (

    {{ enabled_source_rows() }}

),

published_periods as (

    {% if is_delta() -%}
    select * from {{ published("dim_source") }}
    {%- else -%}
    select
        null::text as source,
        null::date as last_date
    where false
    {%- endif %}

),

newest_exports as (

    select
        source,
        max(exported_at) as newest_exported_at
    from published_loads
    group by source

),

-- Up to the last whole day before the newest export, never by the wall clock. The first message is the first entry of
-- an index: no history is read. A changed message counts as published, too: when it came never moves.
source_periods as (

    select
        enabled_sources.source,
        {{ local_date("least(first_message.created_at, first_published_message.created_at)") }} as first_date,
        {{ local_date("newest_exports.newest_exported_at") }} - 1 as last_date,
        newest_exports.newest_exported_at,
        published_periods.last_date as published_last_date
    from enabled_sources
    left join newest_exports on enabled_sources.source = newest_exports.source
    left join published_periods on enabled_sources.source = published_periods.source
    {%- for messages, first in [
        ("messages", "first_message"), ("published_messages", "first_published_message")
    ] %}
    left join lateral (
        select {{ messages }}.created_at
        from {{ messages }}
        where {{ messages }}.source = enabled_sources.source
        order by {{ messages }}.created_at
        limit 1
    ) as {{ first }} on true
    {%- endfor %}

),

-- A total exists only where every enabled source has the day.
total_period as (

    select
        'all' as source,
        max(first_date) as first_date,
        min(last_date) as last_date,
        min(newest_exported_at) as newest_exported_at,
        min(published_last_date) as published_last_date
    from source_periods
    having count(*) = count(first_date) and count(*) = count(last_date)

),

int_source_period as (

    select * from source_periods
    union all
    select * from total_period

)

select
    *,
    -- Monday of the last whole week.
    date_trunc('week', last_date + 1)::date - 7 as last_week_start,
    date_trunc('week', published_last_date + 1)::date - 7 as published_last_week_start
from int_source_period
