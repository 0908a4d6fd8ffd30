with answers as (

    select * from {{ ref('int_weekly_answer') }}

),

weeks as (

    select * from {{ ref('int_week') }}
    where source = 'all'

),

counted as (

    select
        answers.week_start,
        answers.authority,
        count(*) as answered,
        {{ answer_metrics() }},
        count(answers.rating) as marked,
        avg(answers.rating)::double precision as mean_rating,
        count(*) filter (where answers.source = 'pos') as answered_pos,
        count(answers.is_settled) as with_outcome,
        count(*) filter (where not answers.is_settled) as not_solved
    from answers
    inner join weeks on answers.week_start = weeks.week_start
    group by answers.week_start, answers.authority

),

rpt_answer_quality as (

    select
        week_start,
        authority,
        answered,
        rated,
        satisfied,
        {{ share("satisfied", "rated") }} as satisfied_share,
        {{ wilson("satisfied", "rated", "low") }} as satisfied_share_low,
        {{ wilson("satisfied", "rated", "high") }} as satisfied_share_high,
        marked,
        mean_rating,
        with_outcome,
        not_solved,
        {{ share("not_solved", "with_outcome") }} as not_solved_share,
        {{ wilson("not_solved", "with_outcome", "low") }} as not_solved_share_low,
        {{ wilson("not_solved", "with_outcome", "high") }} as not_solved_share_high,
        answered_pos,
        reconsidered,
        {{ share("reconsidered", "answered_pos") }} as reconsidered_share,
        rated >= {{ var("zone_min_answered") }} as is_ranked
    from counted

)

select * from rpt_answer_quality
