{{ config(indexes=[{"columns": ["oktmo", "date"]}]) }}

with daily as (

    select * from {{ ref('int_municipality_daily_now') }}

),

changed_dates as (

    select * from {{ ref('int_changed_date') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

places as (

    select oktmo from municipalities
    union all
    select 'all' as oktmo

),

-- The changed days, and those that they are compared with.
needed_dates as (

    select distinct changed_dates.date - shift.days as date
    from changed_dates
    cross join (values (0), (1), (7)) as shift (days)

),

daily_counts as (

    select
        daily.date,
        coalesce(daily.oktmo, 'all') as oktmo,
        coalesce(daily.source, 'all') as source,
        {{ sum_six_counts() }}
    from needed_dates
    {{ join_by_index("daily", ["date = needed_dates.date"]) }}
    group by daily.date, grouping sets ((daily.oktmo, daily.source), (daily.oktmo), (daily.source), ())

),

-- Added up, not joined, as in running_counts: each day counts for itself, for the next one and for that a week later.
counted_days as (

    select
        daily_counts.date + shift.days as date,
        daily_counts.oktmo,
        daily_counts.source,
        shift.days,
        {%- for count in six_counts() %}
        daily_counts.{{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from daily_counts
    cross join (values (0), (1), (7)) as shift (days)
    union all
    select
        changed_dates.date,
        places.oktmo,
        periods.source,
        0 as days,
        {%- for count in six_counts() %}
        0 as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from changed_dates
    cross join places
    cross join periods

),

-- `all` included: the period of the total is the one that every enabled source has.
rpt_daily_summary as (

    select
        counted_days.date,
        counted_days.oktmo,
        counted_days.source,
        {%- for count in six_counts() %}
        coalesce(sum(counted_days.{{ count }}) filter (where counted_days.days = 0), 0)::bigint as {{ count }},
        {%- for earlier, days in [("prev_day", 1), ("prev_week", 7)] %}
        case
            when counted_days.date - {{ days }} >= min(periods.first_date)
                then coalesce(sum(counted_days.{{ count }}) filter (where counted_days.days = {{ days }}), 0)::bigint
        end as {{ count }}_{{ earlier }}{{ "," if not loop.last }}
        {%- endfor %}
        {{- "," if not loop.last }}
        {%- endfor %}
    from counted_days
    inner join changed_dates on counted_days.date = changed_dates.date
    inner join periods
        on
            counted_days.source = periods.source
            and counted_days.date between periods.first_date and periods.last_date
    group by counted_days.date, counted_days.oktmo, counted_days.source

)

select * from rpt_daily_summary
