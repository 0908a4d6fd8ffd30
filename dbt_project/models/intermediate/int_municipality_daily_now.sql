{{ config(materialized="view") }}

{%- if is_delta() %}

select * from {{ published("municipality_daily") }}
where
    (source, oktmo, topic_group, date) not in (
        select
            replaced.source,
            replaced.oktmo,
            replaced.topic_group,
            replaced.date
        from {{ ref('int_municipality_daily') }} as replaced
    )
union all
{%- endif %}
select * from {{ ref('municipality_daily') }}
