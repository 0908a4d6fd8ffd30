with messages as (

    select * from {{ ref('int_message') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

-- One row a message answered in a week that the marts hold, with what is known of its answer.
int_weekly_answer as (

    select
        date_trunc('week', {{ local_date("messages.answered_at") }})::date as week_start,
        messages.source,
        messages.oktmo,
        messages.authority,
        messages.first_answer_working_minutes,
        messages.is_satisfied,
        messages.is_reconsidered
    from messages
    inner join periods on messages.source = periods.source
    where {{ local_date("messages.answered_at") }} <= periods.last_date

)

select * from int_weekly_answer
