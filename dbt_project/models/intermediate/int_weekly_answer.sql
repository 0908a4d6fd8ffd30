with messages as (

    select * from {{ ref('int_message_now') }}

),

answer_weeks as (

    select * from {{ ref('int_answer_week') }}

),

weeks as (

    select * from {{ ref('int_week') }}

),

known_values as (

    select * from {{ ref('known_values') }}
    where (source, field) in (('pos', 'resolution_type'), ('incident', 'outcome'))

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
        messages.is_reconsidered,
        messages.rating,
        known_values.is_settled
    from answer_weeks
    {{ join_by_index("messages", [
        "answered_at >= " ~ from_local("answer_weeks.week_start"),
        "answered_at < " ~ from_local("answer_weeks.week_start + 7")
    ]) }}
    inner join weeks
        on
            messages.source = weeks.source
            and answer_weeks.week_start = weeks.week_start
    left join known_values
        on
            messages.source = known_values.source
            and messages.outcome = known_values.value

)

select * from int_weekly_answer
