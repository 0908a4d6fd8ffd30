-- Поступило и отвечено за неделю равны прямому подсчёту сообщений; открыто и просрочено на конец недели тоже.
{# In a delta a week's stock is recounted only of the newest changed weeks: an old one would read all of history since. #}
{% set recounted_weeks = 8 %}

with weeks as (

    select * from {{ ref('rpt_weekly_region') }}
    where source <> 'all'

),

-- Not materialized: a delta reads it by its indexes.
messages as not materialized (

    select * from {{ ref('int_message_now') }}

),

counted as (

    select
        weeks.week_start,
        weeks.source,
        weeks.received,
        weeks.answered,
        weeks.open_at_end,
        weeks.overdue_at_end,
        {{ from_local("weeks.week_start") }} as start_at,
        {{ from_local("weeks.week_start + 7") }} as end_at
    from weeks
    {%- if is_delta() %}
    where weeks.week_start > (select max(newest.week_start) from weeks as newest) - 7 * {{ recounted_weeks }}
    {%- endif %}

),

bounds as (

    select
        min(start_at) as first_start_at,
        max(end_at) as last_end_at,
        min(week_start) as first_week_start,
        max(week_start) as last_week_start,
        min(end_at) as first_end_at
    from counted

),

{%- for count, moment in [("received", "created_at"), ("answered", "answered_at")] %}

{{ count }} as (

    select
        date_trunc('week', {{ local_timestamp("messages." ~ moment) }})::date as week_start,
        messages.source,
        count(*) as {{ count }}
    from messages
    {%- if is_delta() %}
    where
        messages.{{ moment }} >= (select bounds.first_start_at from bounds)
        and messages.{{ moment }} < (select bounds.last_end_at from bounds)
    {%- endif %}
    group by 1, messages.source

),
{%- endfor %}

-- Those that can have been open at the end of a counted week: not answered before the first of them.
left_open as (

    select
        source,
        created_at,
        due_at,
        least(answered_at, closed_at) as open_until
    from messages
    where answered_at >= (select bounds.first_end_at from bounds) or answered_at is null

),

open_weeks as (

    select
        week.week_start::date as week_start,
        left_open.source,
        count(*) as open_at_end,
        count(*) filter (where left_open.due_at < {{ from_local("week.week_start + interval '7 days'") }}) as overdue_at_end
    from left_open
    cross join bounds
    cross join lateral generate_series(
        greatest(date_trunc('week', {{ local_timestamp("left_open.created_at") }}), bounds.first_week_start::timestamp),
        coalesce(
            date_trunc('week', {{ local_timestamp("left_open.open_until") }}) - interval '7 days',
            bounds.last_week_start::timestamp
        ),
        interval '7 days'
    ) as week (week_start)
    group by week.week_start, left_open.source

)

select
    counted.week_start,
    counted.source
from counted
left join received
    on
        counted.week_start = received.week_start
        and counted.source = received.source
left join answered
    on
        counted.week_start = answered.week_start
        and counted.source = answered.source
left join open_weeks
    on
        counted.week_start = open_weeks.week_start
        and counted.source = open_weeks.source
where
    (counted.received, counted.answered, counted.open_at_end, counted.overdue_at_end)
    <> (
        coalesce(received.received, 0),
        coalesce(answered.answered, 0),
        coalesce(open_weeks.open_at_end, 0),
        coalesce(open_weeks.overdue_at_end, 0)
    )
