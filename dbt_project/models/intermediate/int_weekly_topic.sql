{{ config(indexes=[{"columns": ["week_start", "oktmo", "topic_group", "topic"], "unique": true}]) }}

with changes as (

    select * from {{ ref('int_weekly_change') }}

),

bounds as (

    select
        published_last_week_start as published_until,
        last_week_start as counted_until
    from {{ ref('int_source_period') }}
    where source = 'all'

),

weekly_changes as (

    select
        week_start,
        coalesce(oktmo, 'all') as oktmo,
        topic_group,
        topic,
        {{ sum_changes() }}
    from changes
    group by week_start, topic_group, topic, grouping sets ((oktmo), ())

),

int_weekly_topic as (

    {{ running_counts(
        "weekly_changes", "bounds", "rpt_weekly_topic", ["oktmo", "topic_group", "topic"], "week_start", "1 week",
        six_counts()[:4]
    ) }}

)

select * from int_weekly_topic
