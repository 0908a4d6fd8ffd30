{{ config(indexes=[{"columns": ["message_id"], "unique": true}]) }}

with changed_messages as (

    select * from {{ ref('stg_ops__changed_message') }}

),

-- A full build takes nothing from what was published.
published_messages as (

    {{ published_before("message_current") }}

),

int_message_before as (

    select published_messages.*
    from changed_messages
    inner join published_messages on changed_messages.message_id = published_messages.message_id

)

select * from int_message_before
