{{ config(materialized="view") }}

with versions as (

    select * from {{ ref('stg_incident__incident_version') }}

),

-- When a card came and when it was first answered never moves, whatever later exports say.
firsts as (

    select
        *,
        first_value(created_at) over (partition by source_key order by exported_at) as first_created_at,
        min(first_answer_at) over (partition by source_key) as answered_at
    from versions

),

-- The source's figure belongs to the first answer: the newest version that shows that answer.
figures as (

    select distinct on (source_key)
        source_key,
        first_answer_working_minutes
    from firsts
    where first_answer_at = answered_at
    order by source_key, exported_at desc

),

newest as (

    select distinct on (source_key) *
    from firsts
    order by source_key, exported_at desc

),

int_incident as (

    select
        newest.source_key,
        newest.department,
        newest.executor,
        newest.author,
        newest.first_created_at as created_at,
        newest.answered_at,
        newest.closed_at,
        figures.first_answer_working_minutes,
        newest.topic_group,
        newest.topic,
        newest.region,
        newest.municipality,
        newest.outcome,
        newest.post_host,
        newest.rating,
        newest.is_author_satisfied
    from newest
    left join figures on newest.source_key = figures.source_key

)

select * from int_incident
