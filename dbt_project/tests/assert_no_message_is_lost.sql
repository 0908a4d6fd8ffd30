-- Каждое сообщение из raw стоит в fct_message ровно один раз.
with raw_keys as (

    select
        'pos' as source,
        source_key
    from {{ source('pos', 'pos_message') }}
    union
    select
        'incident' as source,
        source_key
    from {{ source('incident', 'incident') }}

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
