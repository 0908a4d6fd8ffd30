{#- A moment as the wall clock of the region shows it. -#}
{% macro local_timestamp(moment) -%}
    ({{ moment }} at time zone '{{ var("region_timezone") }}')
{%- endmacro %}

{#- The local day of a moment. -#}
{% macro local_date(moment) -%}
    ({{ moment }} at time zone '{{ var("region_timezone") }}')::date
{%- endmacro %}

{#- A wall clock reading of the region as a moment. -#}
{% macro from_local(reading) -%}
    (({{ reading }})::timestamp at time zone '{{ var("region_timezone") }}')
{%- endmacro %}
