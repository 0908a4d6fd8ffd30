with messages as (

    select * from {{ ref('int_message') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}

),

-- Overdue at the end of each day from the later of receipt and deadline to the day before it was answered or closed.
spans as (

    select
        messages.*,
        greatest({{ local_date("messages.created_at") }}, {{ local_date("messages.due_at") }}, periods.first_date)
            as first_overdue_date,
        least({{ local_date("least(messages.answered_at, messages.closed_at)") }} - 1, periods.last_date)
            as last_overdue_date
    from messages
    inner join periods on messages.source = periods.source

),

overdue_days as (

    select
        spans.*,
        day.date::date as date
    from spans
    cross join lateral generate_series(
        spans.first_overdue_date, spans.last_overdue_date, interval '1 day'
    ) as day (date)

),

rpt_daily_overdue as (

    select
        overdue_days.date,
        overdue_days.message_id,
        overdue_days.source,
        overdue_days.oktmo,
        overdue_days.topic_group,
        overdue_days.topic,
        overdue_days.authority,
        overdue_days.created_at,
        overdue_days.due_at,
        {{ working_minutes(
            working_clock(local_timestamp("overdue_days.due_at"), "due_day"),
            "next_day.working_days_before * " ~ workday_seconds()
        ) }} as overdue_working_minutes
    from overdue_days
    inner join calendar as due_day on {{ local_date("overdue_days.due_at") }} = due_day.date
    inner join calendar as next_day on overdue_days.date + 1 = next_day.date

)

select * from rpt_daily_overdue
