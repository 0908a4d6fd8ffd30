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

spellings as (

    {{ authority_spellings("aliases") }}

),

int_authority_match as (

    select
        names.name,
        coalesce(spellings.authority, {{ tidy_name("names.name") }}) as authority
    from names
    left join spellings on {{ plain_text("names.name") }} = spellings.plain_name

)

select * from int_authority_match
