with topics as (

    select * from {{ ref('topics') }}

),

messages as (

    select * from {{ ref('int_message_now') }}

),

changed_messages as (

    select * from {{ ref('message_current') }}

),

-- The classifier is renamed from time to time: what messages show and the seed does not know is kept.
met as (

    select distinct
        topic_group,
        topic
    from changed_messages
    {%- if is_delta() %}
    union
    select
        topic_group,
        topic
    from {{ published("dim_topic") }}
    {%- endif %}

),

unknown as (

    select
        met.topic_group,
        met.topic
    from met
    left join topics
        on
            met.topic_group = topics.topic_group
            and met.topic = topics.topic
    cross join lateral (
        select from messages
        where
            messages.topic_group = met.topic_group
            and messages.topic = met.topic
        limit 1
    ) as any_message
    where topics.topic is null

),

dim_topic as (

    select
        topic_group,
        topic,
        is_fast_track,
        topic_key,
        true as is_known
    from topics
    union all
    select
        topic_group,
        topic,
        false as is_fast_track,
        {{ full_topic() }} as topic_key,
        false as is_known
    from unknown

)

select * from dim_topic
