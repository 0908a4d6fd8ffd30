with changes as (

    select * from {{ ref('int_message_change') }}

),

periods as (

    select * from {{ ref('int_source_period') }}
    where source = 'all'

),

int_weekly_change as (

    select
        date_trunc('week', changes.date)::date as week_start,
        changes.oktmo,
        changes.topic_group,
        changes.topic,
        changes.authority,
        {{ sum_changes() }}
    from changes
    cross join periods
    where {{ is_change_counted(
        "date_trunc('week', changes.date)::date", "periods.published_last_week_start", "periods.last_week_start"
    ) }}
    group by
        date_trunc('week', changes.date)::date, changes.oktmo, changes.topic_group, changes.topic, changes.authority

)

select * from int_weekly_change
