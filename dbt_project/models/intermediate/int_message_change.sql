{% set columns = [
    "source", "oktmo", "topic_group", "topic", "authority", "created_at", "answered_at", "closed_at", "due_at",
    "is_answered_on_time"
] %}

with messages as (

    select * from {{ ref('message_current') }}

),

messages_before as (

    select * from {{ ref('int_message_before') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

{%- if is_delta() %}

-- Not materialized: it is read four times by its indexes, a few rows each, not once as a whole.
published_messages as not materialized (

    select * from {{ published("message_current") }}

),

total_period as (

    select * from {{ ref('int_source_period') }}
    where source = 'all'

),

-- Days that this build brings in, and, when a week of the total ends, the days of that week.
new_days as (

    select
        periods.source,
        {{ from_local("least(
            periods.published_last_date,
            case
                when total_period.last_week_start > total_period.published_last_week_start
                    then total_period.published_last_week_start + 6
            end
        ) + 1") }} as start_at,
        {{ from_local("periods.last_date + 1") }} as end_at
    from periods
    left join total_period on true
    where periods.source <> 'all'

),

-- Messages without news that something happens to on such a day: a deadline passes, or the day could not be counted yet.
arriving_messages as (
    {% for moment in ["created_at", "answered_at", "closed_at", "due_at"] %}
    select
        {%- for column in columns %}
        published_messages.{{ column }},
        {%- endfor %}
        published_messages.message_id
    from new_days
    inner join published_messages
        on
            new_days.source = published_messages.source
            and published_messages.{{ moment }} >= new_days.start_at
            and published_messages.{{ moment }} < new_days.end_at
    {{ "union" if not loop.last }}
    {%- endfor %}

),
{%- endif %}

states as (

    select
        {%- for column in columns %}
        messages.{{ column }},
        {%- endfor %}
        'new' as change_of,
        1 as sign
    from messages
    union all
    select
        {%- for column in columns %}
        messages_before.{{ column }},
        {%- endfor %}
        'old' as change_of,
        -1 as sign
    from messages_before
    {%- if is_delta() %}
    union all
    select
        {%- for column in columns %}
        arriving_messages.{{ column }},
        {%- endfor %}
        'time' as change_of,
        1 as sign
    from arriving_messages
    where arriving_messages.message_id not in (select messages_before.message_id from messages_before)
    {%- endif %}

),

-- Lateness begins when the deadline passes or, where the source's own figure says late earlier, with the answer.
dated as (

    select
        states.change_of,
        states.sign,
        states.source,
        states.oktmo,
        states.topic_group,
        states.topic,
        states.authority,
        states.is_answered_on_time,
        {{ local_date("states.created_at") }} as created_date,
        {{ local_date("states.answered_at") }} as answered_date,
        {{ local_date("states.closed_at") }} as closed_date,
        {{ local_date("states.due_at") }} as due_date,
        {{ local_date("least(states.answered_at, states.closed_at)") }} as open_until_date,
        case
            when states.is_answered_on_time then null
            when states.answered_at is not null
                then {{ local_date("least(states.due_at, states.answered_at)") }}
            when states.closed_at is null or states.closed_at > states.due_at
                then {{ local_date("states.due_at") }}
        end as late_from_date
    from states
    inner join periods on states.source = periods.source

),

-- Open at the end of its first day and of each day before the one on which it was answered or closed.
spans as (

    select
        *,
        coalesce(open_until_date > created_date, true) as is_open_for_a_day,
        greatest(created_date, due_date) as overdue_from_date
    from dated

),

changes as (

    select
        spans.change_of,
        spans.source,
        spans.oktmo,
        spans.topic_group,
        spans.topic,
        spans.authority,
        change.date,
        {%- for count in flow_counts() + ["opened", "turned_overdue"] %}
        spans.sign * change.{{ count }} as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from spans
    cross join lateral (
        values
        (created_date, 1, 0, 0, 0, 0, is_open_for_a_day::integer, 0),
        (answered_date, 0, 1, is_answered_on_time::integer, 0, 0, 0, 0),
        (late_from_date, 0, 0, 0, 1, 0, 0, 0),
        (case when answered_date is null then closed_date end, 0, 0, 0, 0, 1, 0, 0),
        (case when is_open_for_a_day then open_until_date end, 0, 0, 0, 0, 0, -1, 0),
        (
            case when is_open_for_a_day and coalesce(open_until_date > overdue_from_date, true) then overdue_from_date end,
            0, 0, 0, 0, 0, 0, 1
        ),
        (
            case when is_open_for_a_day and open_until_date > overdue_from_date then open_until_date end,
            0, 0, 0, 0, 0, 0, -1
        )
    ) as change (
        date, received, answered, answered_on_time, became_overdue, closed_unanswered, opened, turned_overdue
    )
    where change.date is not null

),

int_message_change as (

    select
        change_of,
        date,
        source,
        oktmo,
        topic_group,
        topic,
        authority,
        {{ sum_changes() }}
    from changes
    group by change_of, date, source, oktmo, topic_group, topic, authority

)

select * from int_message_change
