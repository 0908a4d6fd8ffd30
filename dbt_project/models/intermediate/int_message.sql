{{ config(materialized="view") }}

with messages as (

    select * from {{ ref('int_message_source') }}

),

authority_matches as (

    select * from {{ ref('int_authority_match') }}

),

topic_aliases as (

    select * from {{ ref('topic_aliases') }}

),

topics as (

    select * from {{ ref('topics') }}

),

norms as (

    select * from {{ ref('reaction_norms') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}

),

conformed as (

    select
        messages.source,
        messages.source_key,
        messages.channel,
        messages.oktmo,
        {{ conformed_topic_group("messages") }} as topic_group,
        {{ conformed_topic("messages") }} as topic,
        messages.is_fast_track,
        {{ authority_name("authority_matches") }} as authority,
        messages.executor,
        messages.author,
        messages.created_at,
        messages.answered_at,
        messages.closed_at,
        messages.planned_date,
        messages.first_answer_working_minutes,
        messages.is_formal_59fz,
        messages.outcome,
        messages.rating,
        messages.is_satisfied,
        messages.is_reconsidered
    from messages
    {{ join_topic_aliases("messages") }}
    left join authority_matches on messages.authority = authority_matches.name

),

normed as (

    select
        conformed.*,
        coalesce(topic_norm.norm_minutes, group_norm.norm_minutes, {{ var("default_norm_minutes") }}) as norm_minutes,
        coalesce(topics.is_fast_track, false) as is_fast_track_topic
    from conformed
    left join topics
        on
            conformed.topic_group = topics.topic_group
            and conformed.topic = topics.topic
    left join norms as topic_norm
        on
            conformed.topic_group = topic_norm.topic_group
            and conformed.topic = topic_norm.topic
    left join norms as group_norm
        on
            conformed.topic_group = group_norm.topic_group
            and group_norm.topic is null

),

clocked as (

    select
        normed.*,
        {{ working_clock(local_timestamp("normed.created_at"), "created_day") }} as created_clock,
        {{ working_clock(local_timestamp("normed.answered_at"), "answered_day") }} as answered_clock
    from normed
    left join calendar as created_day
        on {{ local_date("normed.created_at") }} = created_day.date
    left join calendar as answered_day
        on {{ local_date("normed.answered_at") }} = answered_day.date

),

timed as (

    select
        clocked.*,
        coalesce(
            clocked.first_answer_working_minutes,
            {{ working_minutes("clocked.created_clock", "clocked.answered_clock") }}
        ) as answer_minutes,
        case
            when clocked.source = 'pos' then {{ from_local("clocked.planned_date + time '23:59:59'") }}
            else {{ moment_of_reading("(clocked.created_clock + clocked.norm_minutes * 60)", "due_day") }}
        end as due_at
    from clocked
    left join calendar as due_day
        on {{ is_day_of_reading("(clocked.created_clock + clocked.norm_minutes * 60)", "due_day") }}

),

int_message as (

    select
        timed.source || ':' || timed.source_key as message_id,
        timed.source,
        timed.source_key,
        timed.channel,
        coalesce(timed.oktmo, '{{ var("region_oktmo") }}') as oktmo,
        timed.oktmo is not null as is_municipality_mapped,
        timed.topic_group,
        timed.topic,
        timed.authority,
        timed.executor,
        timed.author,
        timed.created_at,
        timed.answered_at,
        timed.closed_at,
        timed.due_at,
        case when timed.source = 'incident' and timed.answered_at is not null then timed.answer_minutes end
            as first_answer_working_minutes,
        timed.source = 'incident' and timed.answered_at is not null and timed.first_answer_working_minutes is null
            as is_first_answer_imputed,
        timed.is_fast_track or (timed.source = 'incident' and timed.is_fast_track_topic) as is_fast_track,
        timed.is_formal_59fz,
        timed.outcome,
        timed.rating,
        timed.is_satisfied,
        timed.is_reconsidered,
        case
            when timed.answered_at is null then null
            when timed.source = 'incident' then timed.answer_minutes <= timed.norm_minutes
            else {{ local_date("timed.answered_at") }} <= timed.planned_date
        end as is_answered_on_time
    from timed

)

select * from int_message
