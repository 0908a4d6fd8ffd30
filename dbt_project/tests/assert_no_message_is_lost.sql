-- Каждое сообщение из raw, загруженное до начала сборки, стоит в fct_message ровно один раз.
with published_loads as (

    select load_id from {{ ref('stg_ops__published_load') }}
    {%- if is_delta() %}
    where is_new
    {%- endif %}

),

raw_keys as (

    {% for system, table in [("pos", "pos_message"), ("incident", "incident")] -%}
    select
        '{{ system }}' as source,
        versions.source_key
    from published_loads
    inner join {{ source(system, table) }} as versions
        on published_loads.load_id = versions.load_id
    {{ "union" if not loop.last }}
    {% endfor %}
),

messages as (

    select
        source,
        source_key
    from {{ ref('fct_message') }}

)

(select * from raw_keys except select * from messages)
union all
(select * from messages except select * from raw_keys)
