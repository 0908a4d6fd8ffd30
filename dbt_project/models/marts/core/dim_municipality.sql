with municipalities as (

    select * from {{ ref('municipalities') }}

),

dim_municipality as (

    select
        oktmo,
        name,
        type,
        population,
        has_mcu
    from municipalities

)

select * from dim_municipality
