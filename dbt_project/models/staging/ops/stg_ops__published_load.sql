with loads as (

    select * from {{ source('ops', 'load') }}

),

stg_ops__published_load as (

    select
        load_id,
        source,
        exported_at,
        rows_read,
        rows_quarantined
    from loads
    where status = 'published'

)

select * from stg_ops__published_load
