with weekly_authorities as (

    select * from {{ ref('int_weekly_authority') }}

),

answers as (

    select * from {{ ref('int_weekly_answer') }}

),

changed_weeks as (

    select * from {{ ref('int_changed_week') }}

),

answer_weeks as (

    select * from {{ ref('int_answer_week') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

weekly_counts as (

    select
        week_start,
        authority,
        {{ six_counts() | join(",\n        ") }}
    from weekly_authorities
    {%- if is_delta() %}
    union all
    select
        week_start,
        authority,
        {{ six_counts() | join(",\n        ") }}
    from {{ published("rpt_weekly_authority") }}
    where
        (week_start, authority) not in (
            select
                replaced.week_start,
                replaced.authority
            from weekly_authorities as replaced
        )
    {%- endif %}

),

weekly_answers as (

    select
        week_start,
        authority,
        {{ answer_metrics() }}
    from answers
    group by week_start, authority
    {%- if is_delta() %}
    union all
    select
        week_start,
        authority,
        median_first_answer_minutes,
        p90_first_answer_minutes,
        rated,
        satisfied,
        null as reconsidered
    from {{ published("rpt_weekly_authority") }}
    where week_start not in (select answer_weeks.week_start from answer_weeks)
    {%- endif %}

),

rpt_weekly_authority as (

    select
        weekly_counts.week_start,
        weekly_counts.authority,
        {{ six_counts() | join(",\n        ") }},
        {{ on_time_share() }} as on_time_share,
        weekly_answers.median_first_answer_minutes,
        weekly_answers.p90_first_answer_minutes,
        coalesce(weekly_answers.rated, 0) as rated,
        coalesce(weekly_answers.satisfied, 0) as satisfied,
        {{ share("weekly_answers.satisfied", "weekly_answers.rated") }} as satisfied_share,
        weekly_counts.answered >= {{ var("zone_min_answered") }} as is_ranked
    from changed_weeks
    inner join weeks on changed_weeks.week_start = weeks.week_start
    inner join weekly_counts on changed_weeks.week_start = weekly_counts.week_start
    left join weekly_answers
        on
            weekly_counts.week_start = weekly_answers.week_start
            and weekly_counts.authority = weekly_answers.authority
    where {{ is_any_counted() }}

)

select * from rpt_weekly_authority
