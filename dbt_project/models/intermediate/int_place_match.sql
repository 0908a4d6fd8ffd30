with versions as (

    select * from {{ ref('int_message_version') }}

),

authority_matches as (

    select * from {{ ref('int_authority_match') }}

),

aliases as (

    select * from {{ ref('municipality_aliases') }}

),

rules as (

    select * from {{ ref('organisation_rules') }}

),

-- Of every version, not the newest alone: where a message stood before is asked too.
places as (

    select
        'municipality' as kind,
        municipality as place
    from versions
    union
    select
        'organisation' as kind,
        org_current as place
    from versions
    union
    select
        'organisation' as kind,
        org_received as place
    from versions
    union
    select
        'organisation' as kind,
        authority as place
    from authority_matches

),

plain_places as (

    select
        kind,
        place,
        {{ plain_place("place") }} as plain_place
    from places
    where place is not null

),

alias_matches as (

    select
        plain_places.kind,
        plain_places.place,
        aliases.oktmo,
        1000 as priority,
        length(plain_places.plain_place) as matched_length
    from plain_places
    inner join aliases on plain_places.plain_place = {{ plain_place("aliases.alias") }}
    where plain_places.kind = 'municipality'

),

-- «Some body of the oblast» is a guess that only an organisation's name allows.
-- Rule by rule: a regular expression is compiled once, not for each name; offset keeps the planner from turning it round.
rule_matches as (

    select
        matches.kind,
        matches.place,
        rules.oktmo,
        rules.priority,
        matches.matched_length
    from rules
    cross join lateral (
        select
            kind,
            place,
            length((regexp_match(plain_place, '(?:^| )(' || rules.pattern || ')(?= )'))[1]) as matched_length
        from plain_places
        where
            (kind = 'organisation' or rules.priority >= 100)
            and plain_place ~ ('(^| )(' || rules.pattern || ')(?= )')
        offset 0
    ) as matches

),

-- The longest, most specific match wins.
ranked_matches as (

    select distinct on (kind, place) *
    from (
        select * from alias_matches
        union all
        select * from rule_matches
    ) as matches
    order by kind, place, priority desc, matched_length desc, oktmo

),

int_place_match as (

    select
        kind,
        place,
        nullif(oktmo, '') as oktmo
    from ranked_matches

)

select * from int_place_match
