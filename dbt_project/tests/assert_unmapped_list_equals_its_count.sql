-- Список несопоставленных мест называет столько сообщений, сколько их без муниципалитета в строке качества данных.
with listed as (

    select
        source,
        sum(messages) as unmapped
    from {{ ref('rpt_unmapped') }}
    where kind in ({{ kinds_without_municipality() }})
    group by source

),

quality as (

    select * from {{ ref('rpt_data_quality') }}
    where source <> 'all'

)

select
    quality.source,
    quality.unmapped,
    listed.unmapped as unmapped_in_list
from quality
left join listed on quality.source = listed.source
where quality.unmapped <> coalesce(listed.unmapped, 0)
