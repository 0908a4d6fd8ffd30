with changes as (

    select * from {{ ref('int_daily_change') }}

),

answers as (

    select * from {{ ref('int_weekly_answer') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

weekly_changes as (

    select
        date_trunc('week', date)::date as week_start,
        authority,
        (select max(weeks.week_start) from weeks) as last_period,
        {{ sum_changes() }}
    from changes
    group by date_trunc('week', date)::date, authority

),

running as (

    {{ running_counts("weekly_changes", ["authority"], "week_start", "1 week") }}

),

weekly_answers as (

    select
        week_start,
        authority,
        {{ answer_metrics() }}
    from answers
    group by week_start, authority

),

rpt_weekly_authority as (

    select
        running.week_start,
        running.authority,
        {{ six_counts() | join(",\n        ") }},
        {{ on_time_share() }} as on_time_share,
        weekly_answers.median_first_answer_minutes,
        weekly_answers.p90_first_answer_minutes,
        coalesce(weekly_answers.rated, 0) as rated,
        coalesce(weekly_answers.satisfied, 0) as satisfied,
        {{ share("weekly_answers.satisfied", "weekly_answers.rated") }} as satisfied_share,
        running.answered >= {{ var("zone_min_answered") }} as is_ranked
    from running
    inner join weeks on running.week_start = weeks.week_start
    left join weekly_answers
        on
            running.week_start = weekly_answers.week_start
            and running.authority = weekly_answers.authority
    where {{ is_any_counted() }}

)

select * from rpt_weekly_authority
