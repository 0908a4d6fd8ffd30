with weekly_topics as (

    select * from {{ ref('int_weekly_topic_now') }}

),

changed_weeks as (

    select * from {{ ref('int_changed_topic_week') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

-- A topic that only the week before had keeps its row.
of_two_weeks as (

    select
        changed_weeks.week_start,
        changed_weeks.oktmo,
        weekly_topics.topic_group,
        weekly_topics.topic,
        {%- for count in six_counts() %}
        coalesce(sum(weekly_topics.{{ count }}) filter (where shift.days = 0), 0)::bigint as {{ count }},
        {%- endfor %}
        coalesce(sum(weekly_topics.received) filter (where shift.days = 7), 0)::bigint as received_of_week_before
    from changed_weeks
    cross join (values (0), (7)) as shift (days)
    {{ join_by_index("weekly_topics", [
        "week_start = changed_weeks.week_start - shift.days",
        "oktmo = changed_weeks.oktmo"
    ]) }}
    group by changed_weeks.week_start, changed_weeks.oktmo, weekly_topics.topic_group, weekly_topics.topic

),

with_previous as (

    select
        of_two_weeks.*,
        case when not weeks.is_first_week then of_two_weeks.received_of_week_before end as received_prev,
        sum(of_two_weeks.received) over (partition by of_two_weeks.week_start, of_two_weeks.oktmo)
            as received_of_all_topics
    from of_two_weeks
    inner join weeks on of_two_weeks.week_start = weeks.week_start

),

rpt_weekly_topic as (

    select
        week_start,
        oktmo,
        topic_group,
        topic,
        {{ six_counts() | join(",\n        ") }},
        received_prev,
        received - received_prev as received_delta,
        {{ delta_pct("received", "received_prev") }} as received_delta_pct,
        {{ share("received", "received_of_all_topics") }} as share_of_received
    from with_previous
    where {{ is_any_counted() }} or received_prev > 0

)

select * from rpt_weekly_topic
