with one_version_a_moment as (

    {{ one_version_a_moment("pos", "pos_message") }}

),

-- For the schema pii alone.
stg_pos__person_version as (

    select
        source_key,
        exported_at,
        epgu_number,
        sent_by_email,
        coordinator_name,
        executor_name,
        manager_name
    from one_version_a_moment

)

select * from stg_pos__person_version
