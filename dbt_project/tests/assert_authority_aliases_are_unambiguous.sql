-- Написание органа ведёт к одному показываемому названию, а оно — только к себе: ни двойников, ни цепочек.
with aliases as (

    select * from {{ ref('authority_aliases') }}

),

spellings as (

    {{ authority_spellings("aliases") }}

)

select
    plain_name,
    count(*) as authorities
from spellings
group by plain_name
having count(*) > 1
