{{ config(materialized="view") }}

with daily as (

    select * from {{ ref('municipality_daily') }}

),

fct_municipality_daily as (

    select
        date,
        oktmo,
        source,
        topic_group,
        {{ six_counts() | join(",\n        ") }}
    from daily
    where {{ is_any_counted() }}

)

select * from fct_municipality_daily
