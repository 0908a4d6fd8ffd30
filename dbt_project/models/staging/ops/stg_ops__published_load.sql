with loads as (

    select * from {{ source('ops', 'load') }}

),

-- A load that is published while a build is under way belongs to the next one: all layers see the same loads.
newest_build as (

    select
        max(started_at) as started_at,
        max(started_at) filter (where status = 'published') as published_build_started_at
    from {{ source('ops', 'mart_build') }}

),

published_loads as (

    select
        loads.*,
        loads.finished_at >= coalesce(newest_build.published_build_started_at, '-infinity') as is_new
    from loads
    cross join newest_build
    where
        loads.status = 'published'
        and loads.finished_at < coalesce(newest_build.started_at, 'infinity')

),

replays as (

    select
        replay_of as load_id,
        sum(rows_read) as rows_brought_back
    from published_loads
    where replay_of is not null
    group by replay_of

),

-- A row that was brought back was read once, and is in quarantine no more.
stg_ops__published_load as (

    select
        published_loads.load_id,
        published_loads.source,
        published_loads.exported_at,
        published_loads.is_new,
        published_loads.replay_of is not null as is_replay,
        case when published_loads.replay_of is null then published_loads.rows_read else 0 end as rows_read,
        published_loads.rows_quarantined - coalesce(replays.rows_brought_back, 0) as rows_quarantined
    from published_loads
    left join replays on published_loads.load_id = replays.load_id

)

select * from stg_ops__published_load
