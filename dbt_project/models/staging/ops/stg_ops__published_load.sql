with loads as (

    select * from {{ source('ops', 'load') }}

),

-- A load that is published while a build is under way belongs to the next one: all layers see the same loads.
newest_build as (

    select max(started_at) as started_at from {{ source('ops', 'mart_build') }}

),

stg_ops__published_load as (

    select
        loads.load_id,
        loads.source,
        loads.exported_at,
        loads.rows_read,
        loads.rows_quarantined
    from loads
    cross join newest_build
    where
        loads.status = 'published'
        and loads.finished_at < coalesce(newest_build.started_at, 'infinity')

)

select * from stg_ops__published_load
