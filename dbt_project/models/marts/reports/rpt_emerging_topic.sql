with weekly as (

    select * from {{ ref('int_weekly_topic_now') }}

),

week_starts as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

signal_weeks as (

    select * from {{ ref('int_signal_week') }}

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

topics as (

    select * from {{ ref('topics') }}

),

-- The first week may lack days: it is nothing to compare with.
whole_weeks as (

    select
        week_start,
        row_number() over (order by week_start) as week_number
    from week_starts
    where not is_first_week

),

-- The weeks that get rows, and those that they are compared with; an unbroken run of them is a stretch.
needed_weeks as (

    select
        whole_weeks.week_start,
        whole_weeks.week_number,
        bool_or(signal_weeks.week_start = whole_weeks.week_start) as is_looked_at,
        whole_weeks.week_number - row_number() over (order by whole_weeks.week_start) as stretch
    from whole_weeks
    inner join signal_weeks
        on
            whole_weeks.week_start <= signal_weeks.week_start
            and whole_weeks.week_start >= signal_weeks.week_start - 7 * {{ past_weeks() | length }}
    group by whole_weeks.week_start, whole_weeks.week_number

),

received as (

    select
        weekly.week_start,
        weekly.oktmo,
        weekly.topic_group,
        weekly.topic,
        weekly.received
    from needed_weeks
    {{ join_by_index("weekly", ["week_start = needed_weeks.week_start"]) }}
    where weekly.received > 0

),

cells as (

    select
        row_number() over () as cell,
        oktmo,
        topic_group,
        topic
    from (select distinct oktmo, topic_group, topic from received) as met

),

dense as (

    select
        cells.cell,
        cells.oktmo,
        cells.topic_group,
        needed_weeks.week_start,
        needed_weeks.week_number,
        needed_weeks.is_looked_at,
        needed_weeks.stretch,
        coalesce(received.received, 0)::integer as received
    from cells
    cross join needed_weeks
    left join received
        on
            cells.oktmo = received.oktmo
            and cells.topic_group = received.topic_group
            and cells.topic = received.topic
            and needed_weeks.week_start = received.week_start

),

with_past as (

    select
        *,
        array[
            {%- for week in past_weeks() %}
            lag(received, {{ week }}) over cell_history{{ "," if not loop.last }}
            {%- endfor %}
        ] as all_past
    from dense
    window cell_history as (partition by cell, stretch order by week_start)

),

counts as (

    select
        week_start,
        cell,
        case when oktmo = 'all' then 'all' else topic_group end as pool,
        received,
        all_past[1:week_number - 1] as past
    from with_past
    where
        is_looked_at
        and week_number > {{ var("signal_min_weeks") }}
        and (received >= {{ var("signal_min_received") }} or 0 < any(all_past))

),

-- Every place and the oblast, every known topic: what is compared each week.
limits as (

    select
        {{ var("emerging_topic_false_alarms_a_week") }}::double precision
        / ((select count(*) + 1 from municipalities) * count(*)) as probability_limit
    from topics

),

improbable as (

    {{ improbable_counts("counts", ["cell", "week_start"], ["week_start", "pool"]) | indent(4) }}

),

-- The newest week first: how many weeks in a row each was above the one before it.
growth as (

    select
        improbable.cell,
        improbable.week_start,
        coalesce(min(step.week) filter (where step.received <= step.received_before), improbable.weeks + 1) - 1
            as weeks_growing
    from improbable
    cross join lateral (
        select
            week.number as week,
            week.received,
            lead(week.received) over (order by week.number) as received_before
        from unnest(improbable.received::integer || improbable.past) with ordinality as week (received, number)
    ) as step
    group by improbable.cell, improbable.week_start, improbable.weeks

),

rpt_emerging_topic as (

    select
        improbable.week_start,
        cells.oktmo,
        cells.topic_group,
        cells.topic,
        improbable.received,
        improbable.expected,
        improbable.excess,
        improbable.probability,
        improbable.dispersion,
        improbable.weeks as baseline_weeks,
        improbable.total = 0 as is_new,
        growth.weeks_growing,
        row_number() over (
            partition by improbable.week_start, cells.oktmo = 'all'
            order by improbable.probability, improbable.excess desc, cells.oktmo, cells.topic_group, cells.topic
        ) as rank_in_week
    from improbable
    inner join growth
        on
            improbable.cell = growth.cell
            and improbable.week_start = growth.week_start
    inner join cells on improbable.cell = cells.cell

)

select * from rpt_emerging_topic
