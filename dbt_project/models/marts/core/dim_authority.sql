with changed_messages as (

    select * from {{ ref('message_current') }}

),

{%- if is_delta() %}

-- Not materialized: of each authority only the first entry of its index is read.
published_messages as not materialized (

    select * from {{ published("message_current") }}

),

replaced as (

    select * from {{ ref('stg_ops__changed_message') }}

),
{%- endif %}

place_matches as (

    select * from {{ ref('int_place_match') }}

),

-- Where an authority stands its name tells: what is published of it holds.
met as (

    select distinct
        changed_messages.authority,
        changed_messages.source,
        place_matches.oktmo
    from changed_messages
    left join place_matches
        on
            place_matches.kind = 'organisation'
            and changed_messages.authority = place_matches.place
    {%- if is_delta() %}
    union
    select
        published.authority,
        named_by.source,
        published.oktmo
    from {{ published("dim_authority") }} as published
    cross join lateral (
        values ('incident', published.is_department), ('pos', published.is_organisation)
    ) as named_by (source, is_so)
    where named_by.is_so
    {%- endif %}

),

-- One that no message names any more leaves.
dim_authority as (

    select
        met.authority,
        trim({{ plain_text("met.authority") }}) as plain_name,
        bool_or(met.source = 'incident') as is_department,
        bool_or(met.source = 'pos') as is_organisation,
        max(met.oktmo) as oktmo
    from met
    where
        exists (
            select from changed_messages
            where
                changed_messages.authority = met.authority
                and changed_messages.source = met.source
        )
        {%- if is_delta() %}
        or exists (
            select from published_messages
            where
                published_messages.authority = met.authority
                and published_messages.source = met.source
                and published_messages.message_id not in (select replaced.message_id from replaced)
        )
        {%- endif %}
    group by met.authority

)

select * from dim_authority
