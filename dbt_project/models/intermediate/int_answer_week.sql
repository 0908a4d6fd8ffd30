{{ config(indexes=[{"columns": ["week_start"], "unique": true}]) }}

with messages as (

    select * from {{ ref('message_current') }}

),

messages_before as (

    select * from {{ ref('int_message_before') }}

),

weeks as (

    select * from {{ ref('int_week') }}

),

answers as (

    select answered_at from messages
    union all
    select answered_at from messages_before

),

touched_weeks as (

    select distinct date_trunc('week', {{ local_date("answered_at") }})::date as week_start
    from answers

),

-- Weeks whose answers are looked at anew, message by message.
int_answer_week as (

    select weeks.week_start
    from weeks
    left join touched_weeks on weeks.week_start = touched_weeks.week_start
    where weeks.is_new or touched_weeks.week_start is not null
    group by weeks.week_start

)

select * from int_answer_week
