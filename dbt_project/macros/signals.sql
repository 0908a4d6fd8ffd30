{#- The weeks before that a count is compared with, the nearest first. -#}
{% macro past_weeks() -%}
    {{ return([1, 2, 3, 4, 5, 6, 7, 8]) }}
{%- endmacro %}

{#-
Whether a count is improbable, given the same count of the weeks before: docs/signals.md says how and why.

The query over `counts`, a CTE with the columns of `keys`; `pool`, whose rows share one dispersion within
`pool_keys`; `received`; and `past`, an array of the counts of the weeks before, at least signal_min_weeks of them.
Gives the rows with received of at least signal_min_received whose `probability` is at most probability_limit, of the one
row of the CTE limits.

A dispersion is a ratio of two sums over its pool; what is summed are whole millionths, so that the order of the rows
changes nothing.
-#}
{% macro improbable_counts(counts, keys, pool_keys) -%}
    with capped as (
        select
            counts.*,
            cardinality(counts.past)::double precision as weeks,
            usual.total,
            usual.squares
        from {{ counts }} as counts
        cross join lateral (
            select
                sum(least(week.received, cap.received)) as total,
                sum(least(week.received, cap.received) * least(week.received, cap.received)) as squares
            from unnest(counts.past) as week (received)
            cross join (
                select
                    {{ var("signal_cap") }} * (percentile_disc(0.5) within group (order by received) + 1)::double precision
                        as received
                from unnest(counts.past) as week (received)
            ) as cap
        ) as usual
    ),

    variances as (
        select
            {{ pool_keys | join(", ") }},
            total / weeks as mean,
            (squares - total ^ 2 / weeks) / (weeks - 1) as variance,
            weeks
        from capped
    ),

    -- Large counts tell more of the dispersion than small ones, but a city must not outvote the rest.
    dispersions as (
        select
            {{ pool_keys | join(", ") }},
            least(
                greatest(
                    ({{ millionths("(variance - mean) / (1 + 0.1 * mean) ^ 2") }} + {{ var("signal_prior_dispersion") }} * {{ var("signal_prior_weight") }})
                    / (greatest({{ millionths("(mean ^ 2 - variance / weeks) / (1 + 0.1 * mean) ^ 2") }}, 0) + {{ var("signal_prior_weight") }}),
                    {{ var("signal_min_dispersion") }}
                ),
                {{ var("signal_max_dispersion") }}
            )::double precision as dispersion
        from variances
        group by {{ pool_keys | join(", ") }}
    ),

    -- Within two standard deviations nothing is improbable enough: the tail is summed for the others alone.
    candidates as (
        select
            capped.*,
            (capped.total + 0.5) / capped.weeks as expected,
            dispersions.dispersion
        from capped
        inner join dispersions using ({{ pool_keys | join(", ") }})
        where capped.received >= {{ var("signal_min_received") }}
    ),

    judged as (
        select
            *,
            ops.count_tail(received::bigint, total, weeks, dispersion) as probability
        from candidates
        where received > expected + 2 * sqrt(expected * (1 + dispersion * expected) * (1 + 1 / weeks))
    )

    select
        {{ keys | join(",\n        ") }},
        judged.received::bigint as received,
        judged.expected,
        judged.received - judged.expected as excess,
        judged.weeks::integer as weeks,
        judged.total,
        judged.past,
        judged.dispersion,
        judged.probability
    from judged
    cross join limits
    where judged.probability <= limits.probability_limit
{%- endmacro %}

{#- A sum whose value does not depend on the order of its rows. -#}
{% macro millionths(expression) -%}
    sum(round(1000000 * {{ expression }})::bigint)::double precision / 1000000
{%- endmacro %}
