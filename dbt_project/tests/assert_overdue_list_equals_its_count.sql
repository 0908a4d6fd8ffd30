-- Список просроченных на конец дня столько же длинен, сколько их насчитано в сводке за этот день.
{# The list is told as it will be read: messages that a delta leaves as they are stand in it, too. #}
with summary as (

    select * from {{ ref('rpt_daily_summary') }}
    where source <> 'all' and oktmo <> 'all'

),

overdue_messages as (

    {{ messages_now("message_overdue", "message_id, source, oktmo, overdue_days") }}

),

dates as (

    select distinct date
    from summary

),

listed as (

    select
        dates.date,
        overdue_messages.oktmo,
        overdue_messages.source,
        count(*) as overdue_at_end
    from dates
    inner join overdue_messages on overdue_messages.overdue_days @> dates.date
    group by dates.date, overdue_messages.oktmo, overdue_messages.source

)

select
    summary.date,
    summary.oktmo,
    summary.source
from summary
left join listed
    on
        summary.date = listed.date
        and summary.oktmo = listed.oktmo
        and summary.source = listed.source
where summary.overdue_at_end <> coalesce(listed.overdue_at_end, 0)
