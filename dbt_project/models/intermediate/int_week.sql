with periods as (

    select * from {{ ref('int_source_period') }}

),

-- Whole weeks of each source, `all` included: the running week has no weekly row.
int_week as (

    select
        periods.source,
        week.week_start::date as week_start,
        week.week_start::date = date_trunc('week', periods.first_date)::date as is_first_week,
        coalesce(week.week_start::date > periods.published_last_week_start, true) as is_new
    from periods
    cross join lateral generate_series(
        date_trunc('week', periods.first_date), periods.last_date - 6, interval '1 week'
    ) as week (week_start)

)

select * from int_week
