{{ config(indexes=[{"columns": ["week_start"], "unique": true}]) }}

with weekly_topics as (

    select * from {{ ref('int_weekly_topic') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

-- A week is looked back at for nine weeks: its own and the eight that a count is compared with.
touched_weeks as (

    select distinct weekly_topics.week_start + 7 * shift.weeks as week_start
    from (select distinct week_start from weekly_topics) as weekly_topics
    cross join generate_series(0, {{ past_weeks() | length }}) as shift (weeks)

),

-- Weeks whose emerging topics are looked for anew.
int_signal_week as (

    select weeks.week_start
    from weeks
    left join touched_weeks on weeks.week_start = touched_weeks.week_start
    where weeks.is_new or touched_weeks.week_start is not null

)

select * from int_signal_week
