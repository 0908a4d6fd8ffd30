with daily as (

    select * from {{ ref('int_municipality_daily_now') }}

),

changed_weeks as (

    select * from {{ ref('int_changed_week') }}

),

-- The changed weeks, and those that they are compared with.
needed_weeks as (

    select week_start from changed_weeks
    union
    select week_start - 7 as week_start
    from changed_weeks

),

needed_days as (

    select
        needed_weeks.week_start,
        needed_weeks.week_start + weekday.days as date
    from needed_weeks
    cross join generate_series(0, 6) as weekday (days)

),

-- Totals are summed from counts, never averaged from ratios.
int_weekly_count as (

    select
        needed_days.week_start,
        coalesce(daily.oktmo, 'all') as oktmo,
        coalesce(daily.source, 'all') as source,
        sum(daily.received)::bigint as received,
        sum(daily.answered)::bigint as answered,
        sum(daily.answered_on_time)::bigint as answered_on_time,
        sum(daily.became_overdue)::bigint as became_overdue,
        sum(daily.closed_unanswered)::bigint as closed_unanswered,
        sum(daily.open_at_end) filter (where needed_days.date = needed_days.week_start + 6)::bigint as open_at_end,
        sum(daily.overdue_at_end) filter (where needed_days.date = needed_days.week_start + 6)::bigint as overdue_at_end
    from needed_days
    {{ join_by_index("daily", ["date = needed_days.date"]) }}
    group by needed_days.week_start, grouping sets ((daily.oktmo, daily.source), (daily.oktmo), (daily.source), ())

)

select * from int_weekly_count
