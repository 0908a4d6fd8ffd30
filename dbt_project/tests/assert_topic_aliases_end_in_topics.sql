-- Переименование ведёт к теме классификатора, а не к следующему переименованию: ни цепочек, ни кругов.
with topic_aliases as (

    select * from {{ ref('topic_aliases') }}

),

topics as (

    select * from {{ ref('topics') }}

),

targets as (

    select
        source,
        topic_group,
        topic,
        null as fact
    from topic_aliases

),

chains as (

    select
        targets.source,
        targets.topic_group,
        targets.topic
    from targets
    {{ join_topic_aliases("targets") }}
    where
        {{ conformed_topic_group("targets") }} <> targets.topic_group
        or {{ conformed_topic("targets") }} <> targets.topic

),

-- Its group is renamed before the topic is looked up: such a line would never apply.
unreachable as (

    select
        of_topic.source,
        of_topic.topic_group_alias as topic_group,
        of_topic.topic_alias as topic
    from topic_aliases as of_topic
    inner join topic_aliases as of_group
        on
            of_topic.source = of_group.source
            and of_topic.topic_group_alias = of_group.topic_group_alias
    where of_topic.topic_alias is not null and of_group.topic_alias is null

),

unknown as (

    select
        targets.source,
        targets.topic_group,
        targets.topic
    from targets
    left join topics
        on
            targets.topic_group = topics.topic_group
            and (targets.topic = topics.topic or targets.topic is null)
    where topics.topic_group is null

)

select * from chains
union all
select * from unreachable
union all
select * from unknown
