with source_rows as (

    select * from {{ source('incident', 'incident') }}
    {{ of_changed_messages("incident") }}

),

published_loads as (

    select * from {{ ref('stg_ops__published_load') }}

),

-- Two files of one moment: the greater content hash wins, so that the order of loading never decides.
one_version_a_moment as (

    select distinct on (source_rows.source_key, source_rows.exported_at) source_rows.*
    from source_rows
    inner join published_loads on source_rows.load_id = published_loads.load_id
    order by source_rows.source_key, source_rows.exported_at, source_rows.content_hash desc

),

stg_incident__incident_version as (

    select
        source_key,
        exported_at,
        ops.without_contacts(department) as department,
        executor,
        {{ from_local("ops.to_local_timestamp(created_at)") }} as created_at,
        {{ from_local("ops.to_local_timestamp(first_answer_at)") }} as first_answer_at,
        {{ from_local("ops.to_local_timestamp(closed_at)") }} as closed_at,
        {{ from_local("ops.to_local_timestamp(last_assigned_at)") }} as last_assigned_at,
        {{ from_local("ops.to_local_timestamp(satisfaction_step_at)") }} as satisfaction_step_at,
        -- A negative figure of the source is no figure.
        case
            when ops.to_milliseconds(first_answer_elapsed_working) >= 0
                then ceil(ops.to_milliseconds(first_answer_elapsed_working) / 60000.0)::bigint
        end as first_answer_working_minutes,
        ops.without_contacts(topic_group) as topic_group,
        ops.without_contacts(topic) as topic,
        ops.without_contacts(region) as region,
        ops.without_contacts(municipality) as municipality,
        ops.without_contacts(current_step) as current_step,
        ops.without_contacts(incident_type) as incident_type,
        ops.without_contacts(outcome) as outcome,
        {{ url_host("post_url") }} as post_host,
        case when closing_reason ~ '^[1-5](\.0)?$' then left(closing_reason, 1)::smallint end as rating,
        coalesce({{ plain_text("closing_reason") }} = ' автор доволен ', false) as is_author_satisfied,
        -- Of persons: for the schema pii alone, or under a pseudonym.
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

select * from stg_incident__incident_version
