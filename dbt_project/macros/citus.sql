{#-
On Citus, if the variable `citus` says so: the published tables are sharded, by municipality where they know it, else by
message; all others are small and stand whole on every node. A table that is not named here is one of these.

Both columns are texts, so Citus lays equal values of all these tables on one node by itself: what is joined or grouped
by municipality, or by message, stays there. docs/scale.md says how far this was tried.
-#}
{% macro sharded_by() -%}
    {{ return({
        "message_current": "oktmo",
        "message_overdue": "oktmo",
        "municipality_daily": "oktmo",
        "rpt_daily_summary": "oktmo",
        "rpt_emerging_topic": "oktmo",
        "rpt_hotspot": "oktmo",
        "rpt_weekly_municipality": "oktmo",
        "rpt_weekly_topic": "oktmo",
        "fct_message_event": "message_id",
        "message_person": "message_id",
        "message_unmapped": "message_id",
    }) }}
{%- endmacro %}

{#- After a table of a full build is filled. What a delta makes is copied into the published tables and dropped. -#}
{% macro distribute() -%}
    {%- if var("citus") and not is_delta() and model.config.materialized == "table"
        and this.schema in ("marts_build", "pii_build") -%}
        {%- set column = sharded_by().get(this.identifier) -%}
        {%- if column -%}
            select create_distributed_table('{{ this.schema }}.{{ this.identifier }}', '{{ column }}')
        {%- else -%}
            select create_reference_table('{{ this.schema }}.{{ this.identifier }}')
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The columns of a primary key: Citus wants the one that the table is sharded by among them. -#}
{% macro with_shard_column(columns) -%}
    {%- set column = sharded_by().get(this.identifier) if var("citus") -%}
    {{ return(columns + [column] if column and column not in columns else columns) }}
{%- endmacro %}
