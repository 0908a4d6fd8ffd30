{{ config(indexes=[{"columns": ["week_start"], "unique": true}]) }}

with daily as (

    select * from {{ ref('int_municipality_daily') }}

),

weekly_authorities as (

    select * from {{ ref('int_weekly_authority') }}

),

answer_weeks as (

    select * from {{ ref('int_answer_week') }}

),

weeks as (

    select * from {{ ref('int_week') }}

),

-- A week stands in the row of the next one, too.
touched_weeks as (

    select distinct date_trunc('week', daily.date)::date + shift.days as week_start
    from daily
    cross join (values (0), (7)) as shift (days)
    union
    select weekly_authorities.week_start
    from weekly_authorities
    union
    select answer_weeks.week_start
    from answer_weeks

),

int_changed_week as (

    select weeks.week_start
    from weeks
    left join touched_weeks on weeks.week_start = touched_weeks.week_start
    where weeks.is_new or touched_weeks.week_start is not null
    group by weeks.week_start

)

select * from int_changed_week
