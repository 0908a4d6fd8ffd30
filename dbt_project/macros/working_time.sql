{#-
Working time is counted on one clock that runs only in working hours: seconds since the calendar's first day.
The difference of two readings is the working time between two moments. There is no lunch and no short day.
-#}

{% macro workday_seconds() -%}
    extract(epoch from time '{{ var("workday_end") }}' - time '{{ var("workday_start") }}')
{%- endmacro %}

{#- Reading of the clock at a local timestamp. `calendar`: alias of int_calendar joined on its date. -#}
{% macro working_clock(local_timestamp, calendar) -%}
    (
        {{ calendar }}.working_days_before * {{ workday_seconds() }}
        + case
            when {{ calendar }}.is_working_day
                then least(
                    greatest(
                        extract(epoch from {{ local_timestamp }}::time - time '{{ var("workday_start") }}'), 0
                    ),
                    {{ workday_seconds() }}
                )
            else 0
        end
    )
{%- endmacro %}

{#- Working minutes between two readings, rounded up as the source system does. -#}
{% macro working_minutes(reading_from, reading_to) -%}
    ceil(({{ reading_to }} - {{ reading_from }}) / 60)::bigint
{%- endmacro %}
