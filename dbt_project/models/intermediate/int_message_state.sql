with versions as (

    select * from {{ ref('int_message_version') }}

),

place_matches as (

    select * from {{ ref('int_place_match') }}

),

authority_matches as (

    select * from {{ ref('int_authority_match') }}

),

topic_aliases as (

    select * from {{ ref('topic_aliases') }}

),

mapped as (

    select
        versions.*,
        {{ conformed_topic_group("versions") }} as conformed_topic_group,
        {{ conformed_topic("versions") }} as conformed_topic,
        {{ authority_name("authority_matches") }} as conformed_authority,
        coalesce(
            case when {{ is_own_region("versions.region") }} then municipality_match.oktmo end,
            current_match.oktmo,
            received_match.oktmo
        ) as oktmo
    from versions
    {{ join_topic_aliases("versions") }}
    left join authority_matches on versions.authority = authority_matches.name
    left join place_matches as municipality_match
        on
            municipality_match.kind = 'municipality'
            and versions.municipality = municipality_match.place
    left join place_matches as current_match
        on
            current_match.kind = 'organisation'
            and versions.org_current = current_match.place
    left join place_matches as received_match
        on
            received_match.kind = 'organisation'
            and versions.org_received = received_match.place

),

int_message_state as (

    select
        source || ':' || source_key as message_id,
        source,
        exported_at,
        lead(exported_at) over history is null as is_newest,
        created_at,
        answered_at,
        assigned_at,
        satisfaction_step_at,
        closed_at,
        closing,
        is_reconsidered,
        rating,
        conformed_topic_group as topic_group,
        conformed_topic as topic,
        conformed_authority as authority,
        coalesce(oktmo, '{{ var("region_oktmo") }}') as oktmo,
        oktmo is not null as is_municipality_mapped,
        region,
        municipality,
        org_current,
        org_received,
        stage,
        status,
        resolution_type,
        current_step,
        incident_type,
        outcome,
        post_host
    from mapped
    window history as (partition by source, source_key order by exported_at)

)

select * from int_message_state
