{#- A table: every later model reads it, and to read the text of `raw` takes longer than all that follows. -#}
{{ config(materialized="table") }}

with one_version_a_moment as (

    {{ one_version_a_moment("incident", "incident") }}

),

stg_incident__incident_version as (

    select
        source_key,
        exported_at,
        ops.without_contacts(department) as department,
        pii.pseudonym(executor) as executor,
        pii.author_pseudonym(author_url) as author,
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
        coalesce(length(closing_reason) > 3 and {{ plain_text("closing_reason") }} = ' автор доволен ', false)
            as is_author_satisfied
    from one_version_a_moment

)

select * from stg_incident__incident_version
