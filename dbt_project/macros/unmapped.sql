{#- Kinds of rpt_unmapped that say why messages have no municipality. -#}
{% macro kinds_without_municipality() -%}
    'municipality', 'region', 'organisation'
{%- endmacro %}

{#- What stands for the domain of a post's address that has none. -#}
{% macro unreadable_domain() -%}
    (не распознано)
{%- endmacro %}
