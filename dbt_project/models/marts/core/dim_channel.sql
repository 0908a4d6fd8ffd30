with channel_names as (

    select * from {{ ref('channel_names') }}

),

dim_channel as (

    select
        channel,
        name_ru
    from channel_names

)

select * from dim_channel
