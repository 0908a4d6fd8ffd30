{{ config(indexes=[{"columns": ["source", "oktmo", "topic_group", "date"], "unique": true}]) }}

with changes as (

    select * from {{ ref('int_message_change') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

bounds as (

    select
        source,
        published_last_date as published_until,
        last_date as counted_until
    from periods
    where source <> 'all'

),

daily_changes as (

    select
        changes.date,
        changes.source,
        changes.oktmo,
        changes.topic_group,
        {{ sum_changes() }}
    from changes
    inner join bounds on changes.source = bounds.source
    where {{ is_change_counted("changes.date", "bounds.published_until", "bounds.counted_until") }}
    group by changes.date, changes.source, changes.oktmo, changes.topic_group

),

int_municipality_daily as (

    {{ running_counts(
        "daily_changes", "bounds", "municipality_daily", ["source", "oktmo", "topic_group"], "date", "1 day",
        flow_counts(), ["source"]
    ) }}

)

select * from int_municipality_daily
