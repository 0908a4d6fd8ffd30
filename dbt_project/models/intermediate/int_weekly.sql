with weekly_counts as (

    select * from {{ ref('int_weekly_count') }}

),

changed_weeks as (

    select * from {{ ref('int_changed_week') }}

),

answer_weeks as (

    select * from {{ ref('int_answer_week') }}

),

answers as (

    select * from {{ ref('int_weekly_answer') }}

),

weeks as (

    select * from {{ ref('int_week') }}

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

places as (

    select
        oktmo,
        population
    from municipalities
    union all
    select
        'all' as oktmo,
        sum(population) as population
    from municipalities

),

new_answers as (

    select
        week_start,
        coalesce(oktmo, 'all') as oktmo,
        coalesce(source, 'all') as source,
        {{ answer_metrics() }}
    from answers
    group by week_start, grouping sets ((oktmo, source), (oktmo), (source), ())

),

-- A week that only its open messages touch keeps what is known of its answers.
weekly_answers as (

    select * from new_answers
    {%- if is_delta() %}
    {%- for mart, place in [("rpt_weekly_municipality", "known.oktmo"), ("rpt_weekly_region", "'all'")] %}
    union all
    select
        known.week_start,
        {{ place }} as oktmo,
        known.source,
        {%- for column in answer_columns() %}
        known.{{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from changed_weeks
    inner join {{ published(mart) }} as known on changed_weeks.week_start = known.week_start
    where known.week_start not in (select answer_weeks.week_start from answer_weeks)
    {%- endfor %}
    {%- endif %}

),

dense as (

    select
        weeks.week_start,
        places.oktmo,
        weeks.source,
        places.population,
        {%- for count in six_counts() + ["closed_unanswered"] %}
        coalesce(weekly_counts.{{ count }}, 0) as {{ count }},
        {%- endfor %}
        case when not weeks.is_first_week then coalesce(weekly_counts_before.received, 0) end as received_prev,
        weekly_answers.median_first_answer_minutes,
        weekly_answers.p90_first_answer_minutes,
        coalesce(weekly_answers.rated, 0) as rated,
        coalesce(weekly_answers.satisfied, 0) as satisfied,
        coalesce(weekly_answers.reconsidered, 0) as reconsidered
    from changed_weeks
    inner join weeks on changed_weeks.week_start = weeks.week_start
    cross join places
    left join weekly_counts
        on
            weeks.week_start = weekly_counts.week_start
            and places.oktmo = weekly_counts.oktmo
            and weeks.source = weekly_counts.source
    left join weekly_counts as weekly_counts_before
        on
            weeks.week_start - 7 = weekly_counts_before.week_start
            and places.oktmo = weekly_counts_before.oktmo
            and weeks.source = weekly_counts_before.source
    left join weekly_answers
        on
            weeks.week_start = weekly_answers.week_start
            and places.oktmo = weekly_answers.oktmo
            and weeks.source = weekly_answers.source

),

with_shares as (

    select
        *,
        {{ on_time_share() }} as on_time_share,
        {{ share("satisfied", "rated") }} as satisfied_share,
        {{ share("received * 10000.0", "population") }} as received_per_10k,
        received - received_prev as received_delta,
        {{ delta_pct("received", "received_prev") }} as received_delta_pct
    from dense

),

int_weekly as (

    select
        week_start,
        oktmo,
        source,
        {%- for count in six_counts() %}
        {{ count }},
        {%- endfor %}
        closed_unanswered,
        on_time_share,
        median_first_answer_minutes,
        p90_first_answer_minutes,
        rated,
        satisfied,
        satisfied_share,
        reconsidered,
        received_per_10k,
        received_prev,
        received_delta,
        received_delta_pct,
        {{ zone("on_time_share", "answered") }} as zone
    from with_shares

)

select * from int_weekly
