{#-
Versions of the published loads, of changed messages alone in a delta. Two files of one moment: the greater content hash
wins, so that the order of loading never decides.
-#}
{% macro one_version_a_moment(system, table) -%}
    select distinct on (source_rows.source_key, source_rows.exported_at) source_rows.*
    from (
        select * from {{ source(system, table) }}
        {{ of_changed_messages(system) }}
    ) as source_rows
    inner join {{ ref('stg_ops__published_load') }} as published_loads on source_rows.load_id = published_loads.load_id
    order by source_rows.source_key, source_rows.exported_at, source_rows.content_hash desc
{%- endmacro %}
