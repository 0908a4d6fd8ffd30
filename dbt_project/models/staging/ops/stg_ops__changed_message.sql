{{ config(materialized="table", indexes=[{"columns": ["message_id"], "unique": true}]) }}

with new_loads as (

    select * from {{ ref('stg_ops__published_load') }}
    where is_new

),

-- In a full build every message is made anew, and none has to be told apart.
new_versions as (

    select
        'pos' as source,
        versions.source_key
    from new_loads
    inner join {{ source('pos', 'pos_message') }} as versions on new_loads.load_id = versions.load_id
    where {{ is_delta() }}
    union
    select
        'incident' as source,
        versions.source_key
    from new_loads
    inner join {{ source('incident', 'incident') }} as versions on new_loads.load_id = versions.load_id
    where {{ is_delta() }}

),

stg_ops__changed_message as (

    select
        source || ':' || source_key as message_id,
        source,
        source_key
    from new_versions

)

select * from stg_ops__changed_message
