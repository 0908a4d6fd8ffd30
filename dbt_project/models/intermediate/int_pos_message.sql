{{ config(materialized="view") }}

with versions as (

    select * from {{ ref('stg_pos__message_version') }}

),

-- A reconsideration may blank the completion date or move it later: the earliest that any version showed counts.
firsts as (

    select
        *,
        first_value(received_date) over (partition by source_key order by exported_at) as first_received_date,
        min(completed_date) over (partition by source_key) as answered_date,
        min(exported_at) filter (where stage = 'Завершено') over (partition by source_key) as first_finished_at
    from versions

),

newest as (

    select distinct on (source_key) *
    from firsts
    order by source_key, exported_at desc

),

int_pos_message as (

    select
        source_key,
        category,
        subcategory,
        fact,
        org_received,
        org_current,
        first_received_date as received_date,
        planned_date,
        answered_date,
        -- The system has no closing date: finished without an answer is closed when an export first showed it.
        case when stage = 'Завершено' and answered_date is null then first_finished_at end as closed_at,
        is_fast_track,
        is_formal_59fz,
        resolution_type,
        rating,
        is_reconsidered
    from newest

)

select * from int_pos_message
