with changes as (

    select * from {{ ref('int_daily_change') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

daily_changes as (

    select
        changes.date,
        changes.source,
        changes.oktmo,
        changes.topic_group,
        max(periods.last_date) as last_period,
        {{ sum_changes() }}
    from changes
    inner join periods on changes.source = periods.source
    group by changes.date, changes.source, changes.oktmo, changes.topic_group

),

running as (

    {{ running_counts("daily_changes", ["source", "oktmo", "topic_group"], "date", "1 day") }}

),

-- A deadline set before the source's first message, by a slip, makes no row of a day that nobody exported.
int_municipality_daily as (

    select running.*
    from running
    inner join periods
        on
            running.source = periods.source
            and running.date >= periods.first_date
    where {{ is_any_counted() }} or closed_unanswered > 0

)

select * from int_municipality_daily
