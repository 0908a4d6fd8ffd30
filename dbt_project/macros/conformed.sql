{#- Who answers, as every mart names it. `match`: alias of int_authority_match joined on the name. -#}
{% macro authority_name(match) -%}
    coalesce({{ match }}.authority, '(не указано)')
{%- endmacro %}

{#- A district of this name exists in many regions: only our own region's is mapped. -#}
{% macro is_own_region(region) -%}
    {%- set own = "'" ~ var("region_name") | replace("'", "''") ~ "'" %}
    case
        when {{ region }} is null or {{ region }} = {{ own }} then true
        else {{ plain_region(region) }} = {{ plain_region(own) }}
    end
{%- endmacro %}

{#-
A topic as the marts name it: `join_topic_aliases` in the from clause of a query over `messages` (source, topic_group,
topic, fact) and the CTE topic_aliases, then the two columns. First the group is renamed, then the topic in it.
-#}
{% macro join_topic_aliases(messages) -%}
    left join topic_aliases as group_alias
        on
            {{ messages }}.source = group_alias.source
            and {{ messages }}.topic_group = group_alias.topic_group_alias
            and group_alias.topic_alias is null
    left join topic_aliases as topic_alias
        on
            {{ messages }}.source = topic_alias.source
            and coalesce(group_alias.topic_group, {{ messages }}.topic_group) = topic_alias.topic_group_alias
            and {{ messages }}.topic = topic_alias.topic_alias
            and topic_alias.fact_alias is null
    left join topic_aliases as fact_alias
        on
            {{ messages }}.source = fact_alias.source
            and coalesce(group_alias.topic_group, {{ messages }}.topic_group) = fact_alias.topic_group_alias
            and {{ messages }}.topic = fact_alias.topic_alias
            and {{ messages }}.fact = fact_alias.fact_alias
{%- endmacro %}

{% macro conformed_topic_group(messages) -%}
    coalesce(fact_alias.topic_group, topic_alias.topic_group, group_alias.topic_group, {{ messages }}.topic_group)
{%- endmacro %}

{% macro conformed_topic(messages) -%}
    coalesce(fact_alias.topic, topic_alias.topic, {{ messages }}.topic)
{%- endmacro %}

{#- Both levels of a topic in one text. -#}
{% macro full_topic(messages="") -%}
    {{ messages ~ "." if messages }}topic_group || ' → ' || {{ messages ~ "." if messages }}topic
{%- endmacro %}

{#- What an authority is called by: the name to show is matched like its aliases, so one line is enough for all spellings. -#}
{% macro authority_spellings(aliases) -%}
    select
        {{ plain_text("alias") }} as plain_name,
        authority
    from {{ aliases }}
    union
    select
        {{ plain_text("authority") }} as plain_name,
        authority
    from {{ aliases }}
{%- endmacro %}
