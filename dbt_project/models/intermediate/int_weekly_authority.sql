{{ config(indexes=[{"columns": ["week_start", "authority"], "unique": true}]) }}

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
        authority,
        {{ sum_changes() }}
    from changes
    group by week_start, authority

),

int_weekly_authority as (

    {{ running_counts(
        "weekly_changes", "bounds", "rpt_weekly_authority", ["authority"], "week_start", "1 week",
        six_counts()[:4]
    ) }}

)

select * from int_weekly_authority
