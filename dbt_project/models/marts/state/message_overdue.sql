{{
    config(
        indexes=[{"columns": ["overdue_days"], "type": "gist"}],
        post_hook="{{ add_primary_key('message_id') }}",
    )
}}

with messages as (

    select * from {{ ref('message_current') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}

),

-- Overdue at the end of each day from the later of receipt and deadline to the day before it was answered or closed;
-- without an end as long as it is neither.
spans as (

    select
        *,
        greatest({{ local_date("created_at") }}, {{ local_date("due_at") }}) as first_overdue_date,
        {{ local_date("least(answered_at, closed_at)") }} as open_until_date
    from messages

),

message_overdue as (

    select
        spans.message_id,
        spans.source,
        spans.oktmo,
        spans.topic_group,
        spans.topic,
        spans.authority,
        spans.created_at,
        spans.due_at,
        daterange(spans.first_overdue_date, spans.open_until_date) as overdue_days,
        {{ working_clock(local_timestamp("spans.due_at"), "due_day") }} as due_clock
    from spans
    inner join calendar as due_day on {{ local_date("spans.due_at") }} = due_day.date
    where spans.open_until_date is null or spans.open_until_date > spans.first_overdue_date

)

select * from message_overdue
