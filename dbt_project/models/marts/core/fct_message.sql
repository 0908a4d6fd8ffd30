{{ config(materialized="view") }}

with messages as (

    select * from {{ ref('message_current') }}

),

-- Each load sees most messages again without a change: the loader's own table tells of it, and no build has to.
sightings as (

    select * from {{ source('sightings', 'last_seen') }}

),

fct_message as (

    select
        messages.message_id,
        messages.source,
        messages.source_key,
        messages.channel,
        messages.oktmo,
        messages.is_municipality_mapped,
        messages.topic_group,
        messages.topic,
        messages.authority,
        messages.executor,
        messages.author,
        messages.created_at,
        messages.answered_at,
        messages.closed_at,
        messages.due_at,
        messages.first_answer_working_minutes,
        messages.is_first_answer_imputed,
        messages.is_fast_track,
        messages.is_formal_59fz,
        messages.outcome,
        messages.rating,
        messages.is_satisfied,
        messages.is_reconsidered,
        messages.is_answered_on_time,
        sightings.last_seen_exported_at
    from messages
    left join sightings
        on
            messages.source = sightings.source
            and messages.source_key = sightings.source_key

)

select * from fct_message
