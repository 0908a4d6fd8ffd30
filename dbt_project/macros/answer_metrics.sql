{#- What is known of the answers of a period: how fast (incidents; ПОС has no figure), how they were taken. -#}
{% macro answer_metrics() -%}
    percentile_cont(0.5) within group (order by first_answer_working_minutes) as median_first_answer_minutes,
        percentile_cont(0.9) within group (order by first_answer_working_minutes) as p90_first_answer_minutes,
        count(is_satisfied) as rated,
        count(*) filter (where is_satisfied) as satisfied,
        count(*) filter (where is_reconsidered) as reconsidered
{%- endmacro %}

{% macro answer_columns() -%}
    {{ return(["median_first_answer_minutes", "p90_first_answer_minutes", "rated", "satisfied", "reconsidered"]) }}
{%- endmacro %}
