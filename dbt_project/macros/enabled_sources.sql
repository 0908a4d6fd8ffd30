{#- Enabled sources as rows of one column `source`. -#}
{% macro enabled_source_rows() -%}
    select unnest(array[
        {%- for source in var("enabled_sources") %}'{{ source }}'{{ ", " if not loop.last }}{% endfor -%}
    ]) as source
{%- endmacro %}
