with topics as (

    select * from {{ ref('topics') }}

),

messages as (

    select * from {{ ref('int_message') }}

),

-- The classifier is renamed from time to time: what messages show and the seed does not know is kept.
known_and_met as (

    select
        topic_group,
        topic,
        is_fast_track
    from topics
    union all
    select
        topic_group,
        topic,
        false as is_fast_track
    from messages

),

dim_topic as (

    select
        topic_group,
        topic,
        bool_or(is_fast_track) as is_fast_track
    from known_and_met
    group by topic_group, topic

)

select * from dim_topic
