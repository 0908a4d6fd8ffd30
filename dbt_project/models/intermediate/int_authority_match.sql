with versions as (

    select * from {{ ref('int_message_version') }}

),

aliases as (

    select * from {{ ref('authority_aliases') }}

),

names as (

    select distinct authority as name
    from versions
    where authority is not null

),

-- The name to show is matched like its aliases: one line is enough for all of its spellings, too.
spellings as (

    select
        {{ plain_text("alias") }} as plain_name,
        authority
    from aliases
    union
    select
        {{ plain_text("authority") }} as plain_name,
        authority
    from aliases

),

int_authority_match as (

    select
        names.name,
        coalesce(spellings.authority, {{ tidy_name("names.name") }}) as authority
    from names
    left join spellings on {{ plain_text("names.name") }} = spellings.plain_name

)

select * from int_authority_match
