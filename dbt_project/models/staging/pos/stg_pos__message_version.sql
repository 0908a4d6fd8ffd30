{#- A table: every later model reads it, and to read the text of `raw` takes longer than all that follows. -#}
{{ config(materialized="table") }}

with one_version_a_moment as (

    {{ one_version_a_moment("pos", "pos_message") }}

),

stg_pos__message_version as (

    select
        source_key,
        exported_at,
        ops.without_contacts(category) as category,
        ops.without_contacts(subcategory) as subcategory,
        ops.without_contacts(fact) as fact,
        ops.without_contacts(org_received) as org_received,
        ops.without_contacts(org_current) as org_current,
        ops.to_local_date(received_date) as received_date,
        ops.to_local_date(planned_date) as planned_date,
        ops.to_local_date(completed_date) as completed_date,
        ops.without_contacts(stage) as stage,
        ops.without_contacts(status) as status,
        coalesce({{ is_yes("is_fast_track") }}, false) as is_fast_track,
        coalesce(law_kind like '%59%', false) or coalesce({{ is_yes("applicant_chose_59fz") }}, false) as is_formal_59fz,
        ops.without_contacts(resolution_type) as resolution_type,
        case when rating ~ '^[1-5]$' then rating::smallint end as rating,
        coalesce({{ plain_text("is_reconsidered") }} <> ' нет ', false) as is_reconsidered
    from one_version_a_moment

)

select * from stg_pos__message_version
