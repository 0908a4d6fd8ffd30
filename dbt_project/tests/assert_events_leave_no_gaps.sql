-- Каждая перемена начинается с того, чем кончилась предыдущая перемена того же поля: ни одна не пропущена и не удвоена.
with events as (

    select * from {{ ref('fct_message_event') }}
    where event in ('closed', 'reopened', 'reconsidered', 'rated', 'topic_changed', 'authority_changed', 'municipality_changed')

),

chained as (

    select
        message_id,
        event,
        exported_at,
        value_before,
        lag(value_after) over history as ended_with,
        lag(exported_at) over history is null as is_first
    from events
    window history as (partition by message_id, case event when 'reopened' then 'closed' else event end order by exported_at)

)

select *
from chained
where
    case
        when not is_first then value_before is distinct from ended_with
        -- The first one starts from nothing, or from what the first version shows of every message.
        else (value_before is not null) <> (event in ('topic_changed', 'authority_changed', 'municipality_changed'))
    end
