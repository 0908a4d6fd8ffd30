with messages as (

    select * from {{ ref('int_message_now') }}

),

changed_messages as (

    select * from {{ ref('message_current') }}

),

met as (

    select distinct authority
    from changed_messages
    {%- if is_delta() %}
    union
    select authority
    from {{ published("dim_authority") }}
    {%- endif %}

),

-- One that no message names any more leaves.
dim_authority as (

    select met.authority
    from met
    cross join lateral (
        select from messages
        where messages.authority = met.authority
        limit 1
    ) as any_message

)

select * from dim_authority
