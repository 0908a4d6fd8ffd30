with daily as (

    select * from {{ ref('fct_municipality_daily') }}

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

-- `all` included: the period of the total is the one that every enabled source has.
days as (

    select
        periods.source,
        day.date::date as date
    from periods
    cross join lateral generate_series(periods.first_date, periods.last_date, interval '1 day') as day (date)

),

daily_counts as (

    select
        date,
        coalesce(oktmo, 'all') as oktmo,
        coalesce(source, 'all') as source,
        {{ sum_six_counts() }}
    from daily
    group by date, grouping sets ((oktmo, source), (oktmo), (source), ())

),

dense as (

    select
        days.date,
        places.oktmo,
        days.source,
        {%- for count in six_counts() %}
        coalesce(daily_counts.{{ count }}, 0) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from days
    cross join places
    left join daily_counts
        on
            days.date = daily_counts.date
            and places.oktmo = daily_counts.oktmo
            and days.source = daily_counts.source

),

-- The rows are dense: one row before is the day before, seven rows before the same weekday of the week before.
rpt_daily_summary as (

    select
        date,
        oktmo,
        source,
        {%- for count in six_counts() %}
        {{ count }},
        lag({{ count }}) over place_history as {{ count }}_prev_day,
        lag({{ count }}, 7) over place_history as {{ count }}_prev_week{{ "," if not loop.last }}
        {%- endfor %}
    from dense
    window place_history as (partition by oktmo, source order by date)

)

select * from rpt_daily_summary
