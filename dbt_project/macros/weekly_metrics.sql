{#- Every metric of a week, in the order of both weekly marts. -#}
{% macro weekly_metrics() -%}
    {{ six_counts() | join(",\n        ") }},
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
        zone
{%- endmacro %}
