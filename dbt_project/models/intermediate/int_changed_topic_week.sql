{{ config(indexes=[{"columns": ["week_start", "oktmo"], "unique": true}]) }}

with weekly_topics as (

    select * from {{ ref('int_weekly_topic') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

-- One topic changes the shares of all topics of its week and place, and the comparison of the next week.
touched as (

    select distinct
        weekly_topics.week_start + shift.days as week_start,
        weekly_topics.oktmo
    from weekly_topics
    cross join (values (0), (7)) as shift (days)

),

int_changed_topic_week as (

    select
        touched.week_start,
        touched.oktmo
    from touched
    inner join weeks on touched.week_start = weeks.week_start

)

select * from int_changed_topic_week
