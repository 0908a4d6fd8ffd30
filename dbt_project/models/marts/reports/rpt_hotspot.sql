{#- A count of the last day, of two days, of a week: an outbreak shows in one of them. -#}
{% set windows = [1, 2, 7] %}

with daily as (

    select * from {{ ref('int_municipality_daily_now') }}

),

periods as (

    select * from {{ ref('int_source_period') }}
    where source = 'all'

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

topics as (

    select * from {{ ref('topics') }}

),

signal_dates as (

    select * from {{ ref('int_signal_date') }}

),

-- The days that get rows, and those that they are compared with; an unbroken run of them is a stretch.
days as (

    select
        needed.date,
        needed.first_date,
        needed.is_looked_at,
        needed.date - row_number() over (order by needed.date)::integer as stretch
    from (
        select
            signal_dates.date - shift.days as date,
            periods.first_date,
            bool_or(shift.days = 0) as is_looked_at
        from signal_dates
        cross join periods
        cross join generate_series(0, 7 * {{ past_weeks() | length }} + 6) as shift (days)
        where signal_dates.date - shift.days >= periods.first_date
        group by signal_dates.date - shift.days, periods.first_date
    ) as needed

),

-- Over all sources, so only of days that all of them have.
received as (

    select
        daily.date,
        coalesce(daily.oktmo, 'all') as oktmo,
        daily.topic_group,
        sum(daily.received)::integer as received
    from days
    {{ join_by_index("daily", ["date = days.date"]) }}
    where daily.received > 0
    group by daily.date, daily.topic_group, grouping sets ((daily.oktmo), ())

),

-- Numbers sort faster than names.
cells as (

    select
        row_number() over () as cell,
        oktmo,
        topic_group
    from (select distinct oktmo, topic_group from received) as met

),

dense as (

    select
        cells.cell,
        days.date,
        days.first_date,
        days.is_looked_at,
        days.stretch,
        coalesce(received.received, 0) as received
    from cells
    cross join days
    left join received
        on
            cells.oktmo = received.oktmo
            and cells.topic_group = received.topic_group
            and days.date = received.date

),

summed as (

    select
        cell,
        date,
        first_date,
        is_looked_at,
        stretch,
        {%- for days in windows %}
        sum(received) over (
            partition by cell, stretch order by date rows between {{ days - 1 }} preceding and current row
        )::integer as received_{{ days }}{{ "," if not loop.last }}
        {%- endfor %}
    from dense

),

-- The rows are dense: seven rows before are the same weekdays of the week before.
with_past as (

    select
        cell,
        date,
        first_date,
        is_looked_at,
        stretch,
        {%- for days in windows %}
        received_{{ days }},
        array[
            {%- for week in past_weeks() %}
            lag(received_{{ days }}, {{ 7 * week }}) over cell_history{{ "," if not loop.last }}
            {%- endfor %}
        ] as past_{{ days }}{{ "," if not loop.last }}
        {%- endfor %}
    from summed
    window cell_history as (partition by cell, stretch order by date)

),

-- Of the weeks before only those of which every day is known.
counts as (

    select
        with_past.date,
        length.window_days,
        with_past.cell,
        case when cells.oktmo = 'all' then 'all' else cells.topic_group end as pool,
        length.received,
        length.past[1:(with_past.date - with_past.first_date - length.window_days + 1) / 7] as past
    from with_past
    inner join cells on with_past.cell = cells.cell
    cross join lateral (
        values
        {%- for days in windows %}
        ({{ days }}, received_{{ days }}, past_{{ days }}){{ "," if not loop.last }}
        {%- endfor %}
    ) as length (window_days, received, past)
    where
        with_past.is_looked_at
        and with_past.date - with_past.first_date - length.window_days + 1 >= 7 * {{ var("signal_min_weeks") }}
        -- What was never met adds nothing to what its group varies.
        and (length.received >= {{ var("signal_min_received") }} or 0 < any(length.past))

),

-- Every place and the oblast, every known group, every window: what is compared each day.
limits as (

    select
        {{ var("hotspot_false_alarms_a_day") }}::double precision
        / ((select count(*) + 1 from municipalities) * count(distinct topic_group) * {{ windows | length }})
        as probability_limit
    from topics

),

improbable as (

    {{ improbable_counts("counts", ["cell", "date", "window_days"], ["date", "window_days", "pool"]) | indent(4) }}

),

with_strongest as (

    select
        improbable.*,
        cells.oktmo,
        cells.topic_group,
        min(improbable.probability) over cell_day as least_probability,
        row_number() over (
            partition by improbable.date, improbable.cell
            order by improbable.probability, improbable.excess desc, improbable.window_days
        ) = 1 as is_strongest_window,
        max(improbable.excess) over cell_day as greatest_excess
    from improbable
    inner join cells on improbable.cell = cells.cell
    window cell_day as (partition by improbable.date, improbable.cell)

),

-- The oblast is ranked apart from the places in it.
rpt_hotspot as (

    select
        date,
        oktmo,
        topic_group,
        window_days,
        received,
        expected,
        excess,
        probability,
        dispersion,
        weeks as baseline_weeks,
        is_strongest_window,
        dense_rank() over (
            partition by date, oktmo = 'all'
            order by least_probability, greatest_excess desc, oktmo, topic_group
        ) as rank_in_day
    from with_strongest

)

select * from rpt_hotspot
