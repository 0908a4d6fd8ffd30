{{ config(indexes=[{"columns": ["message_id"]}]) }}

with states as (

    select * from {{ ref('int_message_state') }}

),

known_values as (

    select * from {{ ref('known_values') }}

),

topics as (

    select * from {{ ref('topics') }}

),

place_matches as (

    select * from {{ ref('int_place_match') }}

),

channel_matches as (

    select * from {{ ref('int_channel_match') }}

),

unknown_values as (

    select
        states.message_id,
        states.source,
        states.exported_at,
        states.is_newest,
        field.kind,
        field.value
    from states
    cross join lateral (
        values
        {%- for field in fields_of_known_values() %}
        ('{{ field }}', states.{{ field }}){{ "," if not loop.last }}
        {%- endfor %}
    ) as field (kind, value)
    left join known_values
        on
            states.source = known_values.source
            and field.kind = known_values.field
            and field.value = known_values.value
    where field.value is not null and known_values.value is null

),

unknown_topics as (

    select
        states.message_id,
        states.source,
        states.exported_at,
        states.is_newest,
        'topic' as kind,
        {{ full_topic("states") }} as value
    from states
    left join topics
        on
            states.topic_group = topics.topic_group
            and states.topic = topics.topic
    where topics.topic is null and '(не указано)' not in (states.topic_group, states.topic)

),

-- Why a message stands under the oblast with is_municipality_mapped = false: one reason a message.
without_municipality as (

    select
        message_id,
        source,
        exported_at,
        is_newest,
        case
            when source = 'pos' then 'organisation'
            when {{ is_own_region("region") }} then 'municipality'
            else 'region'
        end as kind,
        case
            when source = 'pos' then coalesce(org_current, org_received, '(не указано)')
            when {{ is_own_region("region") }} then coalesce(municipality, '(не указано)')
            else region
        end as value
    from states
    where not is_municipality_mapped

),

-- The receiving organisation stands in for a current one that no rule knows: counted, but perhaps in the wrong place.
mapped_by_receiver as (

    select
        states.message_id,
        states.source,
        states.exported_at,
        states.is_newest,
        'current_organisation' as kind,
        states.org_current as value
    from states
    left join place_matches
        on
            place_matches.kind = 'organisation'
            and states.org_current = place_matches.place
    where
        states.is_municipality_mapped
        and states.org_current is not null
        and place_matches.place is null

),

unknown_domains as (

    select
        states.message_id,
        states.source,
        states.exported_at,
        states.is_newest,
        'channel' as kind,
        channel_matches.domain as value
    from states
    inner join channel_matches on states.post_host = channel_matches.host
    where channel_matches.channel is null

),

all_unmapped as (

    select * from unknown_values
    union all
    select * from unknown_domains
    union all
    select * from unknown_topics
    union all
    select * from without_municipality
    union all
    select * from mapped_by_receiver

),

-- A rule may have put a place into another region: then no seed lacks it.
message_unmapped as (

    select
        all_unmapped.message_id,
        all_unmapped.source,
        all_unmapped.kind,
        all_unmapped.value,
        all_unmapped.exported_at,
        all_unmapped.is_newest,
        place_matches.place is not null as is_ruled_out
    from all_unmapped
    left join place_matches
        on
            all_unmapped.kind = place_matches.kind
            and all_unmapped.value = place_matches.place

)

select * from message_unmapped
