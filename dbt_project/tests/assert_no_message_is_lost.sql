-- Каждое сообщение из raw, загруженное до начала сборки, стоит в fct_message ровно один раз.
with published_loads as (

    select load_id from {{ ref('stg_ops__published_load') }}

),

raw_keys as (

    select
        'pos' as source,
        source_key
    from {{ source('pos', 'pos_message') }}
    where load_id in (select load_id from published_loads)
    union
    select
        'incident' as source,
        source_key
    from {{ source('incident', 'incident') }}
    where load_id in (select load_id from published_loads)

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
