with unmapped as (

    {{ messages_now("message_unmapped") }}

),

sightings as (

    select * from {{ source('sightings', 'last_seen') }}

),

-- Since when: whichever message showed it first. An unknown status passes by, a corrected place needs nothing more.
counted as (

    select
        unmapped.source,
        unmapped.kind,
        unmapped.value,
        count(*) filter (where unmapped.is_newest) as messages,
        min(unmapped.exported_at) as first_seen_at,
        max(sightings.last_seen_exported_at) filter (where unmapped.is_newest) as last_seen_at,
        bool_or(unmapped.is_ruled_out) as is_ruled_out
    from unmapped
    inner join sightings
        on
            unmapped.source = sightings.source
            and substr(unmapped.message_id, length(unmapped.source) + 2) = sightings.source_key
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
            when counted.value = '{{ unreadable_domain() }}'
                then 'Никуда: адрес публикации не распознать, исправить карточку в самой системе.'
            when counted.is_ruled_out
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
                    || 'знаков и сокращений, oktmo — код из municipalities.csv (чужой регион — пусто), priority — 100, note — почему.'
            when counted.kind = 'channel'
                then
                    'seeds/channels.csv: domain — этот домен, channel — код из channel_names.csv '
                    || '(новый канал — сначала строка там).'
            when counted.kind = 'topic'
                then
                    'Новая тема — seeds/topics.csv: topic_group, topic — как здесь, is_fast_track — true или false, topic_key — '
                    || '«группа → тема». Переименованная или одноимённая — seeds/topic_aliases.csv: source — ' || counted.source
                    || ', topic_group_alias, topic_alias — как здесь, fact_alias — факт или пусто; topic_group, topic — как '
                    || 'в topics.csv.'
            else
                'seeds/known_values.csv: source — ' || counted.source || ', field — ' || counted.kind
                || ', value — это значение.'
        end as add_to
    from counted
    where
        counted.messages > 0
        or counted.kind in (
            {%- for field in fields_of_known_values() %}
            '{{ field }}'{{ "," if not loop.last }}
            {%- endfor %}
        )

)

select * from rpt_unmapped
