{{ config(post_hook="{{ add_primary_key('message_id') }}") }}

with incident_versions as (

    select * from {{ ref('stg_incident__person_version') }}

),

pos_versions as (

    select * from {{ ref('stg_pos__person_version') }}

),

-- Of the newest version, as in fct_message.
incident_persons as (

    select distinct on (source_key)
        'incident:' || source_key as message_id,
        message_text,
        first_answer_text,
        executor_answer_1,
        executor_answer_2,
        executor_answer_3,
        note,
        tags,
        author_url,
        post_url,
        blog_url,
        answer_account_url,
        settlement,
        street,
        house,
        object_name,
        object_legacy,
        executor,
        null::text as epgu_number,
        null::text as sent_by_email,
        null::text as coordinator_name,
        null::text as executor_name,
        null::text as manager_name
    from incident_versions
    order by source_key, exported_at desc

),

pos_persons as (

    select distinct on (source_key)
        'pos:' || source_key as message_id,
        null::text as message_text,
        null::text as first_answer_text,
        null::text as executor_answer_1,
        null::text as executor_answer_2,
        null::text as executor_answer_3,
        null::text as note,
        null::text as tags,
        null::text as author_url,
        null::text as post_url,
        null::text as blog_url,
        null::text as answer_account_url,
        null::text as settlement,
        null::text as street,
        null::text as house,
        null::text as object_name,
        null::text as object_legacy,
        null::text as executor,
        epgu_number,
        sent_by_email,
        coordinator_name,
        executor_name,
        manager_name
    from pos_versions
    order by source_key, exported_at desc

),

message_person as (

    select * from incident_persons
    union all
    select * from pos_persons

)

select * from message_person
