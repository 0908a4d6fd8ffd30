with messages as (

    select * from {{ ref('int_message') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

-- Lateness begins when the deadline passes or, where the source's own figure says late earlier, with the answer.
dated as (

    select
        messages.source,
        messages.oktmo,
        messages.topic_group,
        messages.topic,
        messages.authority,
        messages.is_answered_on_time,
        {{ local_date("messages.created_at") }} as created_date,
        {{ local_date("messages.answered_at") }} as answered_date,
        {{ local_date("messages.closed_at") }} as closed_date,
        {{ local_date("messages.due_at") }} as due_date,
        {{ local_date("least(messages.answered_at, messages.closed_at)") }} as open_until_date,
        case
            when messages.is_answered_on_time then null
            when messages.answered_at is not null
                then {{ local_date("least(messages.due_at, messages.answered_at)") }}
            when messages.closed_at is null or messages.closed_at > messages.due_at
                then {{ local_date("messages.due_at") }}
        end as late_from_date
    from messages
    inner join periods on messages.source = periods.source

),

changes as (

    select
        dated.source,
        dated.oktmo,
        dated.topic_group,
        dated.topic,
        dated.authority,
        change.date,
        change.received,
        change.answered,
        change.answered_on_time,
        change.became_overdue,
        change.closed_unanswered,
        change.opened,
        change.turned_overdue
    from dated
    cross join lateral (
        values
        (created_date, 1, 0, 0, 0, 0, 0, 0),
        (answered_date, 0, 1, is_answered_on_time::integer, 0, 0, 0, 0),
        (late_from_date, 0, 0, 0, 1, 0, 0, 0),
        (case when answered_date is null then closed_date end, 0, 0, 0, 0, 1, 0, 0)
    ) as change (
        date, received, answered, answered_on_time, became_overdue, closed_unanswered, opened, turned_overdue
    )
    where change.date is not null

),

-- Open at the end of its first day and of each day before the one on which it was answered or closed.
open_spans as (

    select
        *,
        greatest(created_date, due_date) as overdue_from_date
    from dated
    where open_until_date is null or open_until_date > created_date

),

open_changes as (

    select
        open_spans.source,
        open_spans.oktmo,
        open_spans.topic_group,
        open_spans.topic,
        open_spans.authority,
        change.date,
        0 as received,
        0 as answered,
        0 as answered_on_time,
        0 as became_overdue,
        0 as closed_unanswered,
        change.opened,
        change.turned_overdue
    from open_spans
    cross join lateral (
        values
        (created_date, 1, 0),
        (open_until_date, -1, 0),
        (case when open_until_date is null or open_until_date > overdue_from_date then overdue_from_date end, 0, 1),
        (case when open_until_date > overdue_from_date then open_until_date end, 0, -1)
    ) as change (date, opened, turned_overdue)
    where change.date is not null

),

all_changes as (

    select * from changes
    union all
    select * from open_changes

),

int_daily_change as (

    select
        date,
        source,
        oktmo,
        topic_group,
        topic,
        authority,
        {{ sum_changes() }}
    from all_changes
    group by date, source, oktmo, topic_group, topic, authority

)

select * from int_daily_change
