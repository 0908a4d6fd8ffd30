-- Под прежним названием, которое стоит в ключе, тема приходит и дальше: оно ведёт к той же теме.
with topic_aliases as (

    select * from {{ ref('topic_aliases') }}

),

topics as (

    select * from {{ ref('topics') }}

),

sources as (

    {{ enabled_source_rows() }}

),

first_names as (

    select
        sources.source,
        split_part(topics.topic_key, ' → ', 1) as topic_group,
        split_part(topics.topic_key, ' → ', 2) as topic,
        null as fact,
        topics.topic_key,
        {{ full_topic("topics") }} as name
    from topics
    cross join sources

)

select
    first_names.source,
    first_names.topic_key,
    first_names.name
from first_names
{{ join_topic_aliases("first_names") }}
where
    {{ conformed_topic_group("first_names") }} || ' → ' || {{ conformed_topic("first_names") }}
    is distinct from first_names.name
