{{
    config(
        indexes=[
            {"columns": ["source", "created_at"]},
            {"columns": ["oktmo", "created_at"]},
            {"columns": ["created_at"]},
            {"columns": ["answered_at"]},
            {"columns": ["closed_at"]},
            {"columns": ["due_at"]},
            {"columns": ["topic_group", "topic", "created_at"]},
            {"columns": ["authority", "created_at"]},
        ],
        post_hook="{{ add_primary_key('message_id') }}",
    )
}}

with messages as (

    select * from {{ ref('int_message') }}

),

message_current as (

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
        author,
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
        is_answered_on_time
    from messages

)

select * from message_current
