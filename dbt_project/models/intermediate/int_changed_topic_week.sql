{{ config(indexes=[{"columns": ["week_start", "oktmo"], "unique": true}]) }}

with weekly_topics as (

    select * from {{ ref('int_weekly_topic') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

periods as (

    select * from {{ ref('int_source_period') }}
    where source = 'all'

),

-- One topic changes the shares of all topics of its week and place, and the comparison of the next week.
touched as (

    select distinct
        weekly_topics.week_start + shift.days as week_start,
        weekly_topics.oktmo
    from weekly_topics
    cross join (values (0), (7)) as shift (days)
    {%- if is_delta() %}
    union
    -- The first new week shows what the last published one had, even where nothing is left of it.
    select
        known.week_start + 7 as week_start,
        known.oktmo
    from periods
    inner join {{ published("rpt_weekly_topic") }} as known on periods.published_last_week_start = known.week_start
    where
        known.received > 0
        and periods.last_week_start > periods.published_last_week_start
    {%- endif %}

),

int_changed_topic_week as (

    select
        touched.week_start,
        touched.oktmo
    from touched
    inner join weeks on touched.week_start = weeks.week_start

)

select * from int_changed_topic_week
