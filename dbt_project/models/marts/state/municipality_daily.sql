{{
    config(
        indexes=[{"columns": ["oktmo", "date"]}],
        post_hook="{{ add_primary_key('date', 'oktmo', 'source', 'topic_group') }}",
    )
}}

with daily as (

    select * from {{ ref('int_municipality_daily') }}

),

periods as (

    select * from {{ ref('int_source_period') }}

),

-- A deadline set before the source's first message, by a slip, makes no row of a day that nobody exported.
municipality_daily as (

    select
        daily.date,
        daily.oktmo,
        daily.source,
        daily.topic_group,
        {{ six_counts() | join(",\n        ") }},
        daily.closed_unanswered
    from daily
    inner join periods
        on
            daily.source = periods.source
            and daily.date >= periods.first_date
    where {{ is_any_counted() }} or daily.closed_unanswered > 0

)

select * from municipality_daily
