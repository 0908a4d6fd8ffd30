-- Неделя области равна сумме недель её муниципалитетов по каждому источнику и счётчику.
with region as (

    select * from {{ ref('rpt_weekly_region') }}

),

municipality_sums as (

    select
        week_start,
        source,
        {%- for count in six_counts() + ["closed_unanswered", "rated", "satisfied", "reconsidered"] %}
        sum({{ count }}) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('rpt_weekly_municipality') }}
    group by week_start, source

)

select
    region.week_start,
    region.source
from region
full join municipality_sums
    on
        region.week_start = municipality_sums.week_start
        and region.source = municipality_sums.source
where
    region.week_start is null
    or municipality_sums.week_start is null
    {%- for count in six_counts() + ["closed_unanswered", "rated", "satisfied", "reconsidered"] %}
    or region.{{ count }} <> municipality_sums.{{ count }}
    {%- endfor %}
