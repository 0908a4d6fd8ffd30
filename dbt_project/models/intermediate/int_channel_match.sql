with versions as (

    select * from {{ ref('int_message_version') }}

),

channels as (

    select * from {{ ref('channels') }}

),

hosts as (

    select distinct post_host as host
    from versions
    where post_host is not null

),

-- What lies before the last two labels may be a person's name: it is compared, never shown.
domains as (

    select
        host,
        coalesce(
            substring(host from '(?:^|\.)([a-zа-яё0-9_-]+\.[a-zа-яё][a-zа-яё0-9-]+)$'), '{{ unreadable_domain() }}'
        ) as domain
    from hosts

),

-- A domain and everything below it; of two that fit, the longer.
int_channel_match as (

    select distinct on (domains.host)
        domains.host,
        domains.domain,
        channels.channel
    from domains
    left join channels on right('.' || domains.host, length(channels.domain) + 1) = '.' || channels.domain
    order by domains.host asc, length(channels.domain) desc

)

select * from int_channel_match
