with periods as (

    select * from {{ ref('int_source_period') }}

),

source_names as (

    select * from {{ ref('source_names') }}

),

dim_source as (

    select
        source_names.source,
        source_names.name_ru,
        periods.source is not null as is_enabled,
        periods.first_date,
        periods.last_date,
        periods.newest_exported_at
    from source_names
    left join periods on source_names.source = periods.source

)

select * from dim_source
