with incidents as (

    select * from {{ ref('int_incident') }}

),

production_calendar as (

    select * from {{ ref('production_calendar') }}

),

-- The seed's years, and as far beyond them as a message needs; there Monday to Friday is worked.
bounds as (

    select
        least(date '2020-01-01', min({{ local_date("created_at") }})) as first_date,
        greatest(
            date '2027-12-31',
            max({{ local_date("created_at") }}) + 366,
            max({{ local_date("answered_at") }}) + 366
        ) as last_date
    from incidents

),

days as (

    select generate_series(bounds.first_date, bounds.last_date, interval '1 day')::date as date
    from bounds

),

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
