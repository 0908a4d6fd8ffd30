with messages as (

    select * from {{ ref('int_message_now') }}

),

changed_messages as (

    select * from {{ ref('message_current') }}

),

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
    cross join lateral (
        select from messages
        where
            messages.authority = met.authority
            and messages.source = met.source
        limit 1
    ) as any_message
    group by met.authority

)

select * from dim_authority
