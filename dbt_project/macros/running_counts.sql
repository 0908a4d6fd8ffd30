{#- What changes in a period: the flows as they are, the two stocks as their change. -#}
{% macro flow_counts() -%}
    {{ return(["received", "answered", "answered_on_time", "became_overdue", "closed_unanswered"]) }}
{%- endmacro %}

{% macro sum_changes() -%}
    {%- for change in flow_counts() + ["opened", "turned_overdue"] %}
    sum({{ change }}) as {{ change }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
Whether a row of int_message_change counts in `period`, of which the marts hold those up to `published_until` now and
up to `counted_until` after this build: the new state of a changed message up to the new end, its old state as far as
it was counted, an unchanged message where time alone brings it in.
-#}
{% macro is_change_counted(period, published_until, counted_until) -%}
    case change_of
        when 'new' then {{ period }} <= {{ counted_until }}
        when 'old' then {{ period }} <= {{ published_until }}
        else {{ period }} > {{ published_until }} and {{ period }} <= {{ counted_until }}
    end
{%- endmacro %}

{#-
The counts of each group in each period that differ from the published ones, those that became 0 included: flows of
the period, stocks at its end. A group is looked at from its first change on, and, if it has open messages, in each
period that is new.
`changes`: a CTE with the columns `keys`, `period` (date) and sum_changes();
`bounds`: a CTE with `published_until` and `counted_until`, periods too, by `bounds_by` (some of the keys);
`mart`: name of the one that holds the published counts by `keys` and `period`; `flows`: those that it has.
-#}
{% macro running_counts(changes, bounds, mart, keys, period, step, flows, bounds_by=[]) -%}
    select
        {{ keys | join(",\n        ") }},
        {{ period }},
        {%- for flow in flows %}
        {{ flow }}_before + {{ flow }}_change as {{ flow }},
        {%- endfor %}
        open_before + open_change as open_at_end,
        overdue_before + overdue_change as overdue_at_end
    from (
        select
            {%- for key in keys %}
            changed.{{ key }},
            {%- endfor %}
            changed.{{ period }},
            changed.is_new_period,
            {%- for flow in flows %}
            case when changed.is_new_period then 0 else coalesce(before.{{ flow }}, 0) end as {{ flow }}_before,
            changed.{{ flow }} as {{ flow }}_change,
            {%- endfor %}
            coalesce(before.open_at_end, 0) as open_before,
            coalesce(before.overdue_at_end, 0) as overdue_before,
            sum(changed.opened) over group_history::bigint as open_change,
            sum(changed.turned_overdue) over group_history::bigint as overdue_change
        from (
            -- Added up, not joined: a series is of unknown length to the planner, who then joins each day with each.
            select
                {%- for key in keys %}
                parts.{{ key }},
                {%- endfor %}
                parts.{{ period }},
                coalesce(parts.{{ period }} > min({{ bounds }}.published_until), true) as is_new_period,
                least(parts.{{ period }}, min({{ bounds }}.published_until)) as known_period,
                {%- for change in flows + ["opened", "turned_overdue"] %}
                sum(parts.{{ change }})::bigint as {{ change }}{{ "," if not loop.last }}
                {%- endfor %}
            from (
                select
                    {%- for column in keys + [period] + flows + ["opened", "turned_overdue"] %}
                    {{ column }}{{ "," if not loop.last }}
                    {%- endfor %}
                from {{ changes }}
                union all
                select
                    {%- for key in keys %}
                    touched.{{ key }},
                    {%- endfor %}
                    day.period::date as {{ period }},
                    {%- for change in flows + ["opened", "turned_overdue"] %}
                    0 as {{ change }}{{ "," if not loop.last }}
                    {%- endfor %}
                from (
                    select
                        {{ keys | join(",\n                        ") }},
                        min(first_period) as first_period
                    from (
                        select
                            {{ keys | join(",\n                            ") }},
                            min({{ period }}) as first_period
                        from {{ changes }}
                        group by {{ keys | join(", ") }}
                        {%- if is_delta() %}
                        union all
                        select
                            {%- for key in keys %}
                            stock.{{ key }},
                            {%- endfor %}
                            ({{ bounds }}.published_until + interval '{{ step }}')::date as first_period
                        from {{ bounds }}
                        inner join {{ published(mart) }} as stock
                            on
                                {{ bounds }}.published_until = stock.{{ period }}
                                {%- for key in bounds_by %}
                                and {{ bounds }}.{{ key }} = stock.{{ key }}
                                {%- endfor %}
                        where
                            stock.open_at_end > 0
                            and {{ bounds }}.counted_until > {{ bounds }}.published_until
                        {%- endif %}
                    ) as beginnings
                    group by {{ keys | join(", ") }}
                ) as touched
                inner join {{ bounds }}
                    on {% for key in bounds_by %}touched.{{ key }} = {{ bounds }}.{{ key }}{% else %}true{% endfor %}
                cross join lateral generate_series(
                    touched.first_period, {{ bounds }}.counted_until, interval '{{ step }}'
                ) as day (period)
            ) as parts
            inner join {{ bounds }}
                on {% for key in bounds_by %}parts.{{ key }} = {{ bounds }}.{{ key }}{% else %}true{% endfor %}
            group by
                {%- for key in keys %}
                parts.{{ key }},
                {%- endfor %}
                parts.{{ period }}
        ) as changed
        -- One look into the index a row, whatever the planner takes a series to be long.
        left join lateral (
            {%- if is_delta() %}
            select
                {{ flows | join(",\n                ") }},
                open_at_end,
                overdue_at_end
            from {{ published(mart) }} as known
            where
                known.{{ period }} = changed.known_period
                {%- for key in keys %}
                and known.{{ key }} = changed.{{ key }}
                {%- endfor %}
            limit 1
            {%- else %}
            select
                {%- for count in flows + ["open_at_end", "overdue_at_end"] %}
                null::bigint as {{ count }}{{ "," if not loop.last }}
                {%- endfor %}
            where false
            {%- endif %}
        ) as before on true
        window group_history as (
            partition by
                {%- for key in keys %}
                changed.{{ key }}{{ "," if not loop.last }}
                {%- endfor %}
            order by changed.{{ period }}
        )
    ) as recounted
    where
        is_new_period
        or open_change <> 0
        or overdue_change <> 0
        {%- for flow in flows %}
        or {{ flow }}_change <> 0
        {%- endfor %}
{%- endmacro %}

{#- A sparse mart keeps a row only where one of the six counts is to be told; the other two are parts of these. -#}
{% macro is_any_counted() -%}
    received + answered + became_overdue + open_at_end > 0
{%- endmacro %}
