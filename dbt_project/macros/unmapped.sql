{#- Fields whose values the seed known_values lists. -#}
{% macro fields_of_known_values() -%}
    {{ return(["stage", "status", "resolution_type", "current_step", "incident_type", "outcome"]) }}
{%- endmacro %}

{#- Kinds of rpt_unmapped that say why messages have no municipality. -#}
{% macro kinds_without_municipality() -%}
    'municipality', 'region', 'organisation'
{%- endmacro %}

{#- What stands for the domain of a post's address that has none. -#}
{% macro unreadable_domain() -%}
    (не распознано)
{%- endmacro %}
