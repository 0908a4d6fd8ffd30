with messages as (

    select * from {{ ref('int_message') }}

),

dim_authority as (

    select distinct authority
    from messages

)

select * from dim_authority
