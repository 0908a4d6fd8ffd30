-- В каждой неделе и по каждому источнику стоят все 55 муниципалитетов и строка области без муниципалитета.
select
    week_start,
    source
from {{ ref('rpt_weekly_municipality') }}
group by week_start, source
having count(*) <> (select count(*) from {{ ref('dim_municipality') }})
