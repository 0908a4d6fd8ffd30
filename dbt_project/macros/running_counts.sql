{#- What changes on a day: the flows as they are, the two stocks as their change. -#}
{% macro flow_counts() -%}
    {{ return(["received", "answered", "answered_on_time", "became_overdue", "closed_unanswered"]) }}
{%- endmacro %}

{% macro sum_changes() -%}
    {%- for change in flow_counts() + ["opened", "turned_overdue"] %}
    sum({{ change }}) as {{ change }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
The counts of each group in each period from its first change on: flows of the period, stocks at its end.
`changes`: a CTE with the columns `keys`, `period` (date), `last_period` (last one that may be shown) and sum_changes().
-#}
{% macro running_counts(changes, keys, period, step) -%}
    select
        {{ keys | join(",\n        ") }},
        {{ period }},
        {%- for flow in flow_counts() %}
        coalesce({{ flow }}, 0)::bigint as {{ flow }},
        {%- endfor %}
        sum(coalesce(opened, 0)) over group_history::bigint as open_at_end,
        sum(coalesce(turned_overdue, 0)) over group_history::bigint as overdue_at_end
    from (
        select
            {{ keys | join(",\n            ") }},
            generate_series(min({{ period }}), max(last_period), interval '{{ step }}')::date as {{ period }}
        from {{ changes }}
        group by {{ keys | join(", ") }}
    ) as group_periods
    left join {{ changes }} using ({{ keys | join(", ") }}, {{ period }})
    window group_history as (partition by {{ keys | join(", ") }} order by {{ period }})
{%- endmacro %}

{#- A sparse mart keeps a row only where one of the six counts is to be told; the other two are parts of these. -#}
{% macro is_any_counted() -%}
    received + answered + became_overdue + open_at_end > 0
{%- endmacro %}
