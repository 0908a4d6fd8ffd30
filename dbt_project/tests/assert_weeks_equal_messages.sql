-- Поступило и отвечено за неделю равны прямому подсчёту сообщений; открыто и просрочено на конец недели тоже.
with weeks as (

    select * from {{ ref('rpt_weekly_region') }}
    where source <> 'all'

),

messages as (

    select * from {{ ref('fct_message') }}

),

counted as (

    select
        weeks.week_start,
        weeks.source,
        weeks.received,
        weeks.answered,
        weeks.open_at_end,
        weeks.overdue_at_end,
        {{ from_local("weeks.week_start") }} as start_at,
        {{ from_local("weeks.week_start + 7") }} as end_at
    from weeks

),

recounted as (

    select
        counted.week_start,
        counted.source,
        count(*) filter (
            where messages.created_at >= counted.start_at and messages.created_at < counted.end_at
        ) as received,
        count(*) filter (
            where messages.answered_at >= counted.start_at and messages.answered_at < counted.end_at
        ) as answered,
        count(*) filter (
            where
            messages.created_at < counted.end_at
            and coalesce(messages.answered_at >= counted.end_at, true)
            and coalesce(messages.closed_at >= counted.end_at, true)
        ) as open_at_end,
        count(*) filter (
            where
            messages.created_at < counted.end_at
            and coalesce(messages.answered_at >= counted.end_at, true)
            and coalesce(messages.closed_at >= counted.end_at, true)
            and messages.due_at < counted.end_at
        ) as overdue_at_end
    from counted
    left join messages on counted.source = messages.source
    group by counted.week_start, counted.source

)

select
    counted.week_start,
    counted.source
from counted
inner join recounted
    on
        counted.week_start = recounted.week_start
        and counted.source = recounted.source
where
    (counted.received, counted.answered, counted.open_at_end, counted.overdue_at_end)
    <> (recounted.received, recounted.answered, recounted.open_at_end, recounted.overdue_at_end)
