-- Производственный календарь знает текущий и следующий год: переносы объявляют осенью.
{{ config(severity="warn") }}

select needed.year
from generate_series(
    extract(year from current_date)::integer, extract(year from current_date)::integer + 1
) as needed (year)
where needed.year not in (
    select extract(year from date)::integer from {{ ref('production_calendar') }}
)
