{#- Kinds of rpt_unmapped that say why messages have no municipality. -#}
{% macro kinds_without_municipality() -%}
    'municipality', 'region', 'organisation'
{%- endmacro %}
