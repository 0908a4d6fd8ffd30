with calendar as (

    select * from {{ ref('int_calendar') }}

),

dim_calendar as (

    select
        date,
        is_working_day,
        week_start
    from calendar

)

select * from dim_calendar
