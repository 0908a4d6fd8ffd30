with one_version_a_moment as (

    {{ one_version_a_moment("incident", "incident") }}

),

-- For the schema pii alone.
stg_incident__person_version as (

    select
        source_key,
        exported_at,
        executor,
        author_url,
        post_url,
        blog_url,
        answer_account_url,
        message_text,
        first_answer_text,
        executor_answer_1,
        executor_answer_2,
        executor_answer_3,
        note,
        tags,
        settlement,
        street,
        house,
        object_name,
        object_legacy
    from one_version_a_moment

)

select * from stg_incident__person_version
