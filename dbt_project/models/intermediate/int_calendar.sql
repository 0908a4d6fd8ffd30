with production_calendar as (

    select * from {{ ref('production_calendar') }}

),

-- Every day that an export can name (see ops.to_local_date), whatever messages show: no message changes the calendar.
days as (

    select day.date::date as date
    from generate_series(date '2000-01-01', date '2100-12-31', interval '1 day') as day (date)

),

-- Years that the seed does not hold are worked from Monday to Friday.
working_days as (

    select
        days.date,
        coalesce(production_calendar.is_working_day, extract(isodow from days.date) < 6) as is_working_day
    from days
    left join production_calendar on days.date = production_calendar.date

),

int_calendar as (

    select
        date,
        is_working_day,
        date_trunc('week', date)::date as week_start,
        (
            count(*) filter (where is_working_day)
                over (order by date rows between unbounded preceding and current row)
        ) - is_working_day::integer as working_days_before
    from working_days

)

select * from int_calendar
