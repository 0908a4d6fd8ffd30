-- Список просроченных на конец дня столько же длинен, сколько их насчитано в сводке за этот день.
with summary as (

    select * from {{ ref('rpt_daily_summary') }}
    where source <> 'all' and oktmo <> 'all'

),

listed as (

    select
        date,
        oktmo,
        source,
        count(*) as overdue_at_end
    from {{ ref('rpt_daily_overdue') }}
    group by date, oktmo, source

)

select
    summary.date,
    summary.oktmo,
    summary.source
from summary
full join listed
    on
        summary.date = listed.date
        and summary.oktmo = listed.oktmo
        and summary.source = listed.source
where coalesce(summary.overdue_at_end, 0) <> coalesce(listed.overdue_at_end, 0)
