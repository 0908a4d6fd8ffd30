{{
    config(
        indexes=[{"columns": ["event_at", "event"]}],
        post_hook="{{ add_primary_key('message_id', 'event', 'exported_at') }}",
    )
}}

with states as (

    select * from {{ ref('int_message_state') }}

),

-- A first version changes no topic, authority or municipality: it is compared with itself.
compared as (

    select
        *,
        lag(exported_at) over history is null as is_first,
        min(answered_at) over (partition by message_id) as first_answered_at,
        lag(stage) over history as stage_before,
        lag(closing) over history as closing_before,
        lag(is_reconsidered) over history as is_reconsidered_before,
        lag(rating) over history as rating_before,
        {{ full_topic() }} as full_topic,
        lag({{ full_topic() }}, 1, {{ full_topic() }}) over history as full_topic_before,
        lag(authority, 1, authority) over history as authority_before,
        lag(oktmo, 1, oktmo) over history as oktmo_before
    from states
    window history as (partition by message_id order by exported_at)

),

-- What the rows themselves date: each moment once, however many exports repeat it.
stated_events as (

    select
        compared.message_id,
        compared.source,
        stated.event,
        stated.event_at,
        true as is_moment_exact,
        null as value_before,
        null as value_after,
        min(compared.exported_at) as exported_at
    from compared
    cross join lateral (
        values
        ('created', case when compared.is_first then compared.created_at end),
        ('assigned', compared.assigned_at),
        ('first_answer', case when compared.answered_at = compared.first_answered_at then compared.answered_at end),
        ('satisfaction_step', compared.satisfaction_step_at)
    ) as stated (event, event_at)
    where stated.event_at is not null
    group by compared.message_id, compared.source, stated.event, stated.event_at

),

-- What a version shows otherwise than the one before it, dated by the row or else by the export that showed it.
change_events as (

    select
        compared.message_id,
        compared.source,
        change.event,
        coalesce(change.stated_at, compared.exported_at) as event_at,
        change.stated_at is not null as is_moment_exact,
        change.value_before,
        change.value_after,
        compared.exported_at
    from compared
    cross join lateral (
        values
        ('assigned', stage_before, case when stage = 'Исполнение' then stage else stage_before end, null),
        (case when closing is null then 'reopened' else 'closed' end, closing_before, closing, closed_at),
        (
            'reconsidered',
            case when is_reconsidered_before then 'Да' end,
            case when is_reconsidered then 'Да' end,
            null
        ),
        ('rated', rating_before::text, rating::text, null),
        ('topic_changed', full_topic_before, full_topic, null),
        ('authority_changed', authority_before, authority, null),
        ('municipality_changed', oktmo_before, oktmo, null)
    ) as change (event, value_before, value_after, stated_at)
    where change.value_before is distinct from change.value_after

),

fct_message_event as (

    select * from stated_events
    union all
    select * from change_events

)

select * from fct_message_event
