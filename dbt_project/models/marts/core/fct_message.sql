with messages as (

    select * from {{ ref('int_message') }}

),

fct_message as (

    select
        message_id,
        source,
        source_key,
        channel,
        oktmo,
        is_municipality_mapped,
        topic_group,
        topic,
        authority,
        executor,
        created_at,
        answered_at,
        closed_at,
        due_at,
        first_answer_working_minutes,
        is_first_answer_imputed,
        is_fast_track,
        is_formal_59fz,
        outcome,
        rating,
        is_satisfied,
        is_reconsidered,
        is_answered_on_time,
        last_seen_exported_at
    from messages

)

select * from fct_message
