with weekly as (

    select * from {{ ref('int_weekly') }}

),

rpt_weekly_municipality as (

    select
        week_start,
        oktmo,
        source,
        {{ weekly_metrics() }}
    from weekly
    where oktmo <> 'all'

)

select * from rpt_weekly_municipality
