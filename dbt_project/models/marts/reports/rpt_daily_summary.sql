{{
    config(
        indexes=[
            {"columns": ["date", "oktmo", "source"], "unique": true},
            {"columns": ["oktmo", "date"]},
        ]
    )
}}

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
    inner join daily on needed_dates.date = daily.date
    group by daily.date, grouping sets ((daily.oktmo, daily.source), (daily.oktmo), (daily.source), ())

),

-- `all` included: the period of the total is the one that every enabled source has.
rpt_daily_summary as (

    select
        changed_dates.date,
        places.oktmo,
        periods.source,
        {%- for count in six_counts() %}
        coalesce(of_day.{{ count }}, 0) as {{ count }},
        case when changed_dates.date - 1 >= periods.first_date then coalesce(of_day_before.{{ count }}, 0) end
            as {{ count }}_prev_day,
        case when changed_dates.date - 7 >= periods.first_date then coalesce(of_week_before.{{ count }}, 0) end
            as {{ count }}_prev_week{{ "," if not loop.last }}
        {%- endfor %}
    from changed_dates
    inner join periods on changed_dates.date between periods.first_date and periods.last_date
    cross join places
    {%- for earlier, days in [("of_day", 0), ("of_day_before", 1), ("of_week_before", 7)] %}
    left join daily_counts as {{ earlier }}
        on
            changed_dates.date - {{ days }} = {{ earlier }}.date
            and places.oktmo = {{ earlier }}.oktmo
            and periods.source = {{ earlier }}.source
    {%- endfor %}

)

select * from rpt_daily_summary
