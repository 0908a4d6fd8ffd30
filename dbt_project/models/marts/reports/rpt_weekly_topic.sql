with changes as (

    select * from {{ ref('int_daily_change') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

weekly_changes as (

    select
        date_trunc('week', date)::date as week_start,
        coalesce(oktmo, 'all') as oktmo,
        topic_group,
        topic,
        (select max(weeks.week_start) from weeks) as last_period,
        {{ sum_changes() }}
    from changes
    group by date_trunc('week', date)::date, topic_group, topic, grouping sets ((oktmo), ())

),

running as (

    {{ running_counts("weekly_changes", ["oktmo", "topic_group", "topic"], "week_start", "1 week") }}

),

-- The running weeks of a topic have no gaps, so the row before is the week before.
with_previous as (

    select
        running.*,
        case
            when not weeks.is_first_week
                then
                    coalesce(
                        lag(running.received) over (
                            partition by running.oktmo, running.topic_group, running.topic
                            order by running.week_start
                        ),
                        0
                    )
        end as received_prev,
        sum(running.received) over (partition by running.week_start, running.oktmo) as received_of_all_topics
    from running
    inner join weeks on running.week_start = weeks.week_start

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
