{#- Fields whose values the seed known_values lists. -#}
{% set fields = ["stage", "status", "resolution_type", "current_step", "incident_type", "outcome"] %}

with states as (

    select * from {{ ref('int_message_state') }}

),

messages as (

    select * from {{ ref('int_message') }}

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
        {%- for field in fields %}
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

unmapped as (

    select * from unknown_values
    union all
    select * from unknown_topics
    union all
    select * from without_municipality
    union all
    select * from mapped_by_receiver

),

-- Since when: whichever message showed it first. An unknown status passes by, a corrected place needs nothing more.
counted as (

    select
        unmapped.source,
        unmapped.kind,
        unmapped.value,
        count(*) filter (where unmapped.is_newest) as messages,
        min(unmapped.exported_at) as first_seen_at,
        max(messages.last_seen_exported_at) filter (where unmapped.is_newest) as last_seen_at
    from unmapped
    inner join messages on unmapped.message_id = messages.message_id
    group by unmapped.source, unmapped.kind, unmapped.value

),

rpt_unmapped as (

    select
        counted.source,
        counted.kind,
        counted.value,
        counted.messages,
        counted.first_seen_at,
        counted.last_seen_at,
        case
            when counted.value = '(не указано)'
                then 'Никуда: поле пусто, заполнить карточку в самой системе.'
            when place_matches.place is not null
                then
                    'Никуда: правило относит это к другому региону. '
                    || 'Если это ошибка, исправить seeds/organisation_rules.csv.'
            when counted.kind = 'region'
                then 'Никуда: карточка другого региона. Если регион свой, проверить настройку MCU_REGION.'
            when counted.kind = 'municipality'
                then 'seeds/municipality_aliases.csv: alias — это написание, oktmo — код из municipalities.csv.'
            when counted.kind in ('organisation', 'current_organisation')
                then
                    'seeds/organisation_rules.csv: pattern — регулярное выражение для названия строчными буквами без '
                    || 'знаков, oktmo — код из municipalities.csv (чужой регион — пусто), priority — 100, note — почему.'
            when counted.kind = 'topic'
                then
                    'Новая тема — seeds/topics.csv: topic_group, topic, is_fast_track (true или false). Переименованная — '
                    || 'seeds/topic_aliases.csv: topic_group_alias, topic_alias — как здесь; topic_group, topic — как в topics.csv.'
            else
                'seeds/known_values.csv: source — ' || counted.source || ', field — ' || counted.kind
                || ', value — это значение.'
        end as add_to
    from counted
    left join place_matches
        on
            counted.kind = place_matches.kind
            and counted.value = place_matches.place
    where
        counted.messages > 0
        or counted.kind in ('{{ fields | join("', '") }}')

)

select * from rpt_unmapped
