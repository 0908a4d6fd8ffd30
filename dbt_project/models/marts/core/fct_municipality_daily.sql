with daily as (

    select * from {{ ref('int_municipality_daily') }}

),

fct_municipality_daily as (

    select
        date,
        oktmo,
        source,
        topic_group,
        {{ six_counts() | join(",\n        ") }}
    from daily
    where received + answered + became_overdue + open_at_end > 0

)

select * from fct_municipality_daily
