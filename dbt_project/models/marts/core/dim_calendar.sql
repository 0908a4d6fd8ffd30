{{ config(post_hook="{{ create_working_minutes() }}") }}

with calendar as (

    select * from {{ ref('int_calendar') }}

),

production_calendar as (

    select * from {{ ref('production_calendar') }}

),

loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

-- Whole years: those of the seed, and the one after the newest export.
bounds as (

    select
        date_trunc('year', min(production_calendar.date))::date as first_date,
        (
            date_trunc('year', greatest(
                max(production_calendar.date), (select max({{ local_date("loads.exported_at") }}) from loads) + 365
            ))
            + interval '1 year - 1 day'
        )::date as last_date
    from production_calendar

),

dim_calendar as (

    select
        calendar.date,
        calendar.is_working_day,
        calendar.week_start,
        calendar.working_days_before
    from calendar
    inner join bounds on calendar.date between bounds.first_date and bounds.last_date

)

select * from dim_calendar
