with incidents as (

    select * from {{ ref('int_incident') }}

),

pos_messages as (

    select * from {{ ref('int_pos_message') }}

),

loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

production_calendar as (

    select * from {{ ref('production_calendar') }}

),

-- Every day on which a message can begin, end, be due or be counted.
needed_dates as (

    select {{ local_date("created_at") }} as date from incidents
    union all
    select {{ local_date("answered_at") }} as date from incidents
    union all
    select planned_date as date from pos_messages
    union all
    select {{ local_date("exported_at") }} as date from loads
    union all
    select date from production_calendar

),

-- Whole years of the seed, and as far beyond them as a message needs with its deadline; there Monday to Friday is worked.
bounds as (

    select
        date_trunc('year', min(date))::date as first_date,
        (date_trunc('year', max(date)) + interval '2 years - 1 day')::date as last_date
    from needed_dates

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
