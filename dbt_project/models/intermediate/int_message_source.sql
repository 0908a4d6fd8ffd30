{{ config(materialized="view") }}

with incidents as (

    select * from {{ ref('int_incident') }}

),

pos_messages as (

    select * from {{ ref('int_pos_message') }}

),

place_matches as (

    select * from {{ ref('int_place_match') }}

),

channel_matches as (

    select * from {{ ref('int_channel_match') }}

),

incident_messages as (

    select
        'incident' as source,
        incidents.source_key,
        coalesce(channel_matches.channel, 'other') as channel,
        case when {{ is_own_region("incidents.region") }} then place_matches.oktmo end as oktmo,
        {{ topic_name("incidents.topic_group") }} as topic_group,
        {{ topic_name("incidents.topic") }} as topic,
        null as fact,
        coalesce(incidents.topic like '★%' or incidents.topic_group like '★%', false) as is_fast_track,
        incidents.department as authority,
        incidents.executor,
        incidents.author,
        incidents.created_at,
        incidents.answered_at,
        incidents.closed_at,
        null::date as planned_date,
        incidents.first_answer_working_minutes,
        false as is_formal_59fz,
        incidents.outcome,
        incidents.rating,
        case
            when incidents.rating is not null then incidents.rating >= 4
            when incidents.is_author_satisfied then true
        end as is_satisfied,
        false as is_reconsidered
    from incidents
    left join place_matches
        on
            place_matches.kind = 'municipality'
            and incidents.municipality = place_matches.place
    left join channel_matches on incidents.post_host = channel_matches.host

),

pos_source_messages as (

    select
        'pos' as source,
        pos_messages.source_key,
        'gosuslugi' as channel,
        coalesce(current_matches.oktmo, received_matches.oktmo) as oktmo,
        {{ topic_name("pos_messages.category") }} as topic_group,
        {{ topic_name("pos_messages.subcategory") }} as topic,
        pos_messages.fact,
        pos_messages.is_fast_track,
        coalesce(pos_messages.org_current, pos_messages.org_received) as authority,
        null::text as executor,
        null::text as author,
        {{ from_local("pos_messages.received_date") }} as created_at,
        {{ from_local("pos_messages.answered_date") }} as answered_at,
        pos_messages.closed_at,
        coalesce(
            pos_messages.planned_date,
            pos_messages.received_date
            + case
                when pos_messages.is_fast_track then {{ var("pos_fast_track_days") }}
                else {{ var("pos_default_days") }}
            end
        ) as planned_date,
        null::bigint as first_answer_working_minutes,
        pos_messages.is_formal_59fz,
        pos_messages.resolution_type as outcome,
        pos_messages.rating,
        pos_messages.rating >= 4 as is_satisfied,
        pos_messages.is_reconsidered
    from pos_messages
    left join place_matches as current_matches
        on
            current_matches.kind = 'organisation'
            and pos_messages.org_current = current_matches.place
    left join place_matches as received_matches
        on
            received_matches.kind = 'organisation'
            and pos_messages.org_received = received_matches.place

),

int_message_source as (

    select * from incident_messages
    union all
    select * from pos_source_messages

)

select * from int_message_source
