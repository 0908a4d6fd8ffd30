{{ config(materialized="view") }}

with incident_versions as (

    select * from {{ ref('stg_incident__incident_version') }}

),

pos_versions as (

    select * from {{ ref('stg_pos__message_version') }}

),

incident_message_versions as (

    select
        'incident' as source,
        source_key,
        exported_at,
        created_at,
        first_answer_at as answered_at,
        last_assigned_at as assigned_at,
        satisfaction_step_at,
        closed_at,
        to_char({{ local_timestamp("closed_at") }}, 'YYYY-MM-DD HH24:MI:SS') as closing,
        false as is_reconsidered,
        rating,
        {{ topic_name("topic_group") }} as topic_group,
        {{ topic_name("topic") }} as topic,
        null as fact,
        department as authority,
        region,
        municipality,
        null::text as org_current,
        null::text as org_received,
        null::text as stage,
        null::text as status,
        null::text as resolution_type,
        current_step,
        incident_type,
        outcome,
        post_host
    from incident_versions

),

-- The system has no closing date: closed is what it shows as finished, in words or by a completion date.
pos_message_versions as (

    select
        'pos' as source,
        source_key,
        exported_at,
        {{ from_local("received_date") }} as created_at,
        {{ from_local("completed_date") }} as answered_at,
        null::timestamptz as assigned_at,
        null::timestamptz as satisfaction_step_at,
        {{ from_local("completed_date") }} as closed_at,
        case when stage = 'Завершено' or completed_date is not null then 'Завершено' end as closing,
        is_reconsidered,
        rating,
        {{ topic_name("category") }} as topic_group,
        {{ topic_name("subcategory") }} as topic,
        fact,
        coalesce(org_current, org_received) as authority,
        null::text as region,
        null::text as municipality,
        org_current,
        org_received,
        stage,
        status,
        resolution_type,
        null::text as current_step,
        null::text as incident_type,
        null::text as outcome,
        null::text as post_host
    from pos_versions

),

int_message_version as (

    select * from incident_message_versions
    union all
    select * from pos_message_versions

)

select * from int_message_version
