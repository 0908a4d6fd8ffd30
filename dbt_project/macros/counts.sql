{#- The six counts of a period, in the order in which every mart shows them. -#}
{% macro six_counts() -%}
    {{ return(["received", "answered", "answered_on_time", "became_overdue", "open_at_end", "overdue_at_end"]) }}
{%- endmacro %}

{#- Sums of the six counts as columns. -#}
{% macro sum_six_counts() -%}
    {%- for count in six_counts() %}
    sum({{ count }})::bigint as {{ count }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Share of two counts, never rounded; null when nothing is below the line. -#}
{% macro share(part, whole) -%}
    ({{ part }})::double precision / nullif({{ whole }}, 0)
{%- endmacro %}

{#- Answered in time, of all that was decided in the period. -#}
{% macro on_time_share() -%}
    {{ share("answered_on_time", "answered_on_time + became_overdue") }}
{%- endmacro %}

{#- Change in percent; only on a base that carries a percentage. -#}
{% macro delta_pct(current_count, previous_count) -%}
    case
        when {{ previous_count }} >= {{ var("delta_pct_min_base") }}
            then 100.0::double precision * ({{ current_count }} - {{ previous_count }}) / {{ previous_count }}
    end
{%- endmacro %}

{#- Zone of a period: green, yellow, red; few: too few answers to be ranked. -#}
{% macro zone(on_time_share, answered) -%}
    case
        when {{ answered }} < {{ var("zone_min_answered") }} then 'few'
        when {{ on_time_share }} >= {{ var("zone_green_from") }} then 'green'
        when {{ on_time_share }} >= {{ var("zone_yellow_from") }} then 'yellow'
        when {{ on_time_share }} < {{ var("zone_yellow_from") }} then 'red'
    end
{%- endmacro %}

{#-
Wilson's interval of a share at 95 %: where the share of many would lie, judging by these few. 1 of 1 is 0.21 to 1.
`bound`: low or high; null when nothing is below the line.
-#}
{% macro wilson(part, whole, bound) -%}
    {%- set z = 1.959963984540054 -%}
    case
            when {{ whole }} > 0 then least(greatest(
                ({{ part }} + {{ z * z / 2 }} {{ "-" if bound == "low" else "+" }} {{ z }}::double precision * sqrt(
                    ({{ part }}) * ({{ whole }} - {{ part }})::double precision / {{ whole }} + {{ z * z / 4 }}
                )) / ({{ whole }} + {{ z * z }}), 0
            ), 1)
        end
{%- endmacro %}
