{{ config(indexes=[{"columns": ["date"], "unique": true}]) }}

with changes as (

    select * from {{ ref('int_message_change') }}

),

periods as (

    select * from {{ ref('int_source_period') }}
    where source = 'all'

),

days as (

    select
        day.date::date as date,
        coalesce(day.date::date > periods.published_last_date, true) as is_new
    from periods
    cross join lateral generate_series(periods.first_date, periods.last_date, interval '1 day') as day (date)

),

-- Of most changed messages the old state came on the same day to the same place.
received_otherwise as (

    select date
    from changes
    group by date, oktmo, topic_group
    having sum(received) <> 0

),

-- A day is looked back at for nine weeks: its own and the eight that a count is compared with.
touched_dates as (

    select distinct received_dates.date + shift.days as date
    from (select distinct date from received_otherwise) as received_dates
    cross join generate_series(0, 7 * {{ past_weeks() | length }} + 6) as shift (days)

),

-- Days whose hotspots are looked for anew.
int_signal_date as (

    select days.date
    from days
    left join touched_dates on days.date = touched_dates.date
    where days.is_new or touched_dates.date is not null

)

select * from int_signal_date
