{{ config(indexes=[{"columns": ["date"], "unique": true}]) }}

with daily as (

    select * from {{ ref('int_municipality_daily') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

-- A day stands in the rows of the next day and of the same weekday a week later, too.
touched_dates as (

    select distinct daily.date + shift.days as date
    from daily
    cross join (values (0), (1), (7)) as shift (days)

),

-- Days that a source, or the total, has from now on.
new_dates as (

    select day.date::date as date
    from periods
    cross join lateral generate_series(
        coalesce(periods.published_last_date + 1, periods.first_date), periods.last_date, interval '1 day'
    ) as day (date)

),

int_changed_date as (

    select touched_dates.date
    from touched_dates
    where touched_dates.date between (select min(first_date) from periods) and (select max(last_date) from periods)
    union
    select new_dates.date
    from new_dates

)

select * from int_changed_date
