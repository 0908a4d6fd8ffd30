-- События каждого сообщения по порядку выгрузок приводят к его строке в fct_message: создано и отвечено один раз и тогда
-- же; тема, орган, муниципалитет, оценка, повторное рассмотрение и закрытие — как после последнего события.
with messages as (

    select * from {{ ref('fct_message') }}

),

events as (

    select * from {{ ref('fct_message_event') }}

),

-- Closed and reopened are two names of one change.
replayed as (

    select
        message_id,
        count(*) filter (where event = 'created') as times_created,
        count(*) filter (where event = 'first_answer') as times_answered,
        min(event_at) filter (where event = 'created') as created_at,
        min(event_at) filter (where event = 'first_answer') as answered_at,
        bool_or(event = 'topic_changed') as is_topic_changed,
        bool_or(event = 'authority_changed') as is_authority_changed,
        bool_or(event = 'municipality_changed') as is_municipality_changed,
        {%- for event in ["topic_changed", "authority_changed", "municipality_changed", "rated", "reconsidered"] %}
        (array_agg(value_after order by exported_at desc) filter (where event = '{{ event }}'))[1] as {{ event }},
        {%- endfor %}
        (array_agg(value_after order by exported_at desc) filter (where event in ('closed', 'reopened')))[1] as closing,
        (array_agg(event_at order by exported_at desc) filter (where event in ('closed', 'reopened')))[1] as closing_at,
        min(event_at) filter (where event = 'closed') as first_closed_at
    from events
    group by message_id

)

select
    messages.message_id as id,
    replayed.*
from messages
left join replayed on messages.message_id = replayed.message_id
where
    (
        replayed.times_created = 1
        and replayed.created_at = messages.created_at
        and replayed.times_answered = (messages.answered_at is not null)::integer
        and replayed.answered_at is not distinct from messages.answered_at
        and (not replayed.is_topic_changed or replayed.topic_changed = {{ full_topic("messages") }})
        and (not replayed.is_authority_changed or replayed.authority_changed = messages.authority)
        and (not replayed.is_municipality_changed or replayed.municipality_changed = messages.oktmo)
        and replayed.rated is not distinct from messages.rating::text
        and (replayed.reconsidered is not null) = messages.is_reconsidered
        and case
            when messages.source = 'incident'
                then messages.closed_at is not distinct from case when replayed.closing is not null then replayed.closing_at end
            when messages.closed_at is not null
                then replayed.closing is not null and messages.closed_at = replayed.first_closed_at
            -- ПОС: a completion date is answer and closing in one.
            else messages.answered_at is null or replayed.first_closed_at is not null
        end
    ) is not true
