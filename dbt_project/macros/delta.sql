{#-
A delta build holds only what the newly published loads can have changed; a full build holds everything (ADR 7).
-#}
{% macro is_delta() -%}
    {{ return(var("is_delta")) }}
{%- endmacro %}

{#- A mart as readers see it now. -#}
{% macro published(mart) -%}
    marts.{{ mart }}
{%- endmacro %}

{#- In a delta build the versions of changed messages alone: to be put where a model reads `raw`. -#}
{% macro of_changed_messages(source) -%}
    {% if is_delta() -%}
        where source_key in (
            select source_key from {{ ref('stg_ops__changed_message') }}
            where source = '{{ source }}'
        )
    {%- endif %}
{%- endmacro %}

{#-
What will be true of a mart of messages after publishing: published rows that are not replaced, and the replacing ones.
`not in` stays a filter on the published table, so that a condition on the result still finds its index.
-#}
{% macro messages_now(mart, columns="*") -%}
    {%- if is_delta() %}
    select {{ columns }} from {{ published(mart) }}
    where message_id not in (select changed.message_id from {{ ref('stg_ops__changed_message') }} as changed)
    union all
    {%- endif %}
    select {{ columns }} from {{ ref(mart) }}
{%- endmacro %}

{#- A plan is made from what the planner knows, and of a table that has just been made it knows nothing. -#}
{% macro analyze_table() -%}
    {%- if model.config.materialized == "table" -%} analyze {{ this }} {%- endif -%}
{%- endmacro %}

{#-
The rows of a CTE that match the row before them, looked up row by row through an index: what a delta reads of history
is what it needs. As a join, PostgreSQL would read a union of published and replacing rows as a whole; `offset 0` keeps
it from making one of this.
-#}
{% macro join_by_index(cte, matches) -%}
    cross join lateral (
        select looked_up.*
        from {{ cte }} as looked_up
        where
            {%- for match in matches %}
            {{ "and " if not loop.first }}looked_up.{{ match }}
            {%- endfor %}
        offset 0
    ) as {{ cte }}
{%- endmacro %}

{#- What was published of a table of the state before this build; a full build takes nothing from it. -#}
{% macro published_before(mart) -%}
    {% if is_delta() -%}
    select * from {{ published(mart) }}
    {%- else -%}
    select * from {{ ref(mart) }}
    where false
    {%- endif %}
{%- endmacro %}
