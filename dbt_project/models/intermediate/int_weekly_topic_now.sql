{{ config(materialized="view") }}

{%- if is_delta() %}

select
    week_start,
    oktmo,
    topic_group,
    topic,
    {{ six_counts() | join(",\n    ") }}
from {{ published("rpt_weekly_topic") }}
where
    (week_start, oktmo, topic_group, topic) not in (
        select
            replaced.week_start,
            replaced.oktmo,
            replaced.topic_group,
            replaced.topic
        from {{ ref('int_weekly_topic') }} as replaced
    )
union all
{%- endif %}
select
    week_start,
    oktmo,
    topic_group,
    topic,
    {{ six_counts() | join(",\n    ") }}
from {{ ref('int_weekly_topic') }}
