{{ config(indexes=[{"columns": ["week_start"], "unique": true}]) }}

with changes as (

    select * from {{ ref('int_message_change') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

-- Of most changed messages the old state came in the same week to the same place.
received_otherwise as (

    select date_trunc('week', date)::date as week_start
    from changes
    group by date_trunc('week', date)::date, oktmo, topic_group, topic
    having sum(received) <> 0

),

-- A week is looked back at for nine weeks: its own and the eight that a count is compared with.
touched_weeks as (

    select distinct received_weeks.week_start + 7 * shift.weeks as week_start
    from (select distinct week_start from received_otherwise) as received_weeks
    cross join generate_series(0, {{ past_weeks() | length }}) as shift (weeks)

),

-- Weeks whose emerging topics are looked for anew.
int_signal_week as (

    select weeks.week_start
    from weeks
    left join touched_weeks on weeks.week_start = touched_weeks.week_start
    where weeks.is_new or touched_weeks.week_start is not null

)

select * from int_signal_week
