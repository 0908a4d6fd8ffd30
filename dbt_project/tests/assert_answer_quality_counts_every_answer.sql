-- Орган ответил за неделю столько же раз, сколько насчитано в недельной сводке органов.
with quality as (

    select * from {{ ref('rpt_answer_quality') }}

),

authorities as (

    select * from {{ ref('rpt_weekly_authority') }}
    where
        answered > 0
        and week_start in (select answer_weeks.week_start from {{ ref('int_answer_week') }} as answer_weeks)

)

select
    week_start,
    authority
from quality
full join authorities using (week_start, authority)
where (quality.answered, quality.rated, quality.satisfied) is distinct from (authorities.answered, authorities.rated, authorities.satisfied)
