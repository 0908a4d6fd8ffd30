with weekly as (

    select * from {{ ref('int_weekly') }}

),

rpt_weekly_region as (

    select
        week_start,
        source,
        {{ weekly_metrics() }}
    from weekly
    where oktmo = 'all'

)

select * from rpt_weekly_region
