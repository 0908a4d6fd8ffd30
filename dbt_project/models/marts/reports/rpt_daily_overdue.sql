{{ config(materialized="view") }}

with overdue_messages as (

    select * from {{ ref('message_overdue') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

calendar as (

    select * from {{ ref('dim_calendar') }}

),

-- One row a day of each span, told when asked: a message that stays overdue costs no build anything.
rpt_daily_overdue as (

    select
        calendar.date,
        overdue_messages.message_id,
        overdue_messages.source,
        overdue_messages.oktmo,
        overdue_messages.topic_group,
        overdue_messages.topic,
        overdue_messages.authority,
        overdue_messages.created_at,
        overdue_messages.due_at,
        {{ working_minutes(
            "overdue_messages.due_clock",
            "(calendar.working_days_before + calendar.is_working_day::integer) * " ~ workday_seconds()
        ) }} as overdue_working_minutes
    from overdue_messages
    inner join sources on overdue_messages.source = sources.source
    inner join calendar
        on
            overdue_messages.overdue_days @> calendar.date
            and calendar.date between sources.first_date and sources.last_date

)

select * from rpt_daily_overdue
