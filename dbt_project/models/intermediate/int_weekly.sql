with daily as (

    select * from {{ ref('int_municipality_daily') }}

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

-- Totals are summed from counts, never averaged from ratios.
weekly_counts as (

    select
        date_trunc('week', date)::date as week_start,
        coalesce(oktmo, 'all') as oktmo,
        coalesce(source, 'all') as source,
        sum(received)::bigint as received,
        sum(answered)::bigint as answered,
        sum(answered_on_time)::bigint as answered_on_time,
        sum(became_overdue)::bigint as became_overdue,
        sum(closed_unanswered)::bigint as closed_unanswered,
        sum(open_at_end) filter (where extract(isodow from date) = 7)::bigint as open_at_end,
        sum(overdue_at_end) filter (where extract(isodow from date) = 7)::bigint as overdue_at_end
    from daily
    group by date_trunc('week', date)::date, grouping sets ((oktmo, source), (oktmo), (source), ())

),

weekly_answers as (

    select
        week_start,
        coalesce(oktmo, 'all') as oktmo,
        coalesce(source, 'all') as source,
        {{ answer_metrics() }}
    from answers
    group by week_start, grouping sets ((oktmo, source), (oktmo), (source), ())

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
        weekly_answers.median_first_answer_minutes,
        weekly_answers.p90_first_answer_minutes,
        coalesce(weekly_answers.rated, 0) as rated,
        coalesce(weekly_answers.satisfied, 0) as satisfied,
        coalesce(weekly_answers.reconsidered, 0) as reconsidered
    from weeks
    cross join places
    left join weekly_counts
        on
            weeks.week_start = weekly_counts.week_start
            and places.oktmo = weekly_counts.oktmo
            and weeks.source = weekly_counts.source
    left join weekly_answers
        on
            weeks.week_start = weekly_answers.week_start
            and places.oktmo = weekly_answers.oktmo
            and weeks.source = weekly_answers.source

),

-- The rows are dense, so the row before is the week before; the first week of a source has none.
with_previous as (

    select
        *,
        lag(received) over (partition by oktmo, source order by week_start) as received_prev
    from dense

),

with_shares as (

    select
        *,
        {{ on_time_share() }} as on_time_share,
        {{ share("satisfied", "rated") }} as satisfied_share,
        {{ share("received * 10000.0", "population") }} as received_per_10k,
        received - received_prev as received_delta,
        {{ delta_pct("received", "received_prev") }} as received_delta_pct
    from with_previous

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
