{#- Version 1 of a mart has its bare name for good, version 2 stands beside it as `<mart>_v2` (ADR 9). -#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- set version = node.version | default(none) -%}
    {{ custom_alias_name or node.name }}{{ "_v" ~ version if version and version != 1 }}
{%- endmacro %}

{#- The primary key of a big table, made after the rows: row by row it would cost more than they do. -#}
{% macro add_primary_key() -%}
    alter table {{ this }} add primary key ({{ with_shard_column(varargs | list) | join(", ") }})
{%- endmacro %}

{#- Descriptions as comments, each on one line; that of a mart tells its version. In place of dbt's own. -#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set of_version = " [версия / version " ~ model.version ~ "]" if model.version else "" -%}
    {%- set commented = [(relation.type ~ " " ~ relation, model.description ~ of_version)] -%}
    {%- for column in model.columns.values() -%}
        {%- set _ = commented.append(("column " ~ relation ~ "." ~ column.name, column.description)) -%}
    {%- endfor -%}
    {%- call statement("persist_docs") -%}
        {%- for what, comment in commented %}
        comment on {{ what }} is {{ postgres_escape_comment(comment.split() | join(" ")) }};
        {%- endfor %}
    {%- endcall -%}
{%- endmacro %}
