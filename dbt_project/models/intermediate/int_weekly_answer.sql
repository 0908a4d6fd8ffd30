with messages as (

    select * from {{ ref('int_message_now') }}

),

answer_weeks as (

    select * from {{ ref('int_answer_week') }}

),

weeks as (

    select * from {{ ref('int_week') }}

),

-- One row a message answered in a week that is looked at anew and that its source has, with what is known of its answer.
int_weekly_answer as (

    select
        answer_weeks.week_start,
        messages.source,
        messages.oktmo,
        messages.authority,
        messages.first_answer_working_minutes,
        messages.is_satisfied,
        messages.is_reconsidered
    from answer_weeks
    inner join messages
        on
            {{ from_local("answer_weeks.week_start") }} <= messages.answered_at
            and {{ from_local("answer_weeks.week_start + 7") }} > messages.answered_at
    inner join weeks
        on
            messages.source = weeks.source
            and answer_weeks.week_start = weeks.week_start

)

select * from int_weekly_answer
