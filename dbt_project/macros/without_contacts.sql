{#-
Text as the marts may show it: phones, e-mails, addresses of pages and mentions of persons read «(скрыто)».
Staging applies it to every text that is no number, date or personal field, so that nothing behind has to.
Most texts have nothing that a contact needs, and are looked at once.
-#}
{% macro without_contacts(text) -%}
    case
        when {{ text }} ~ '@|/|www\.|\[(id|club|public)|[0-9][^[:alpha:]]{8,}[0-9]'
            then
                regexp_replace(
                    {{ text }},
                    '[^\s@<>(),;:"«»]+@[^\s@<>(),;:"«»]+\.[^\s@<>(),;:"«».]{2,}'
                    || '|(https?://|\mwww\.)[^\s<>"«»]+'
                    || '|\m(m\.)?(vk\.com|vk\.ru|vkontakte\.ru|ok\.ru|odnoklassniki\.ru|t\.me|telegram\.me|max\.ru|dzen\.ru'
                    || '|rutube\.ru|youtube\.com|instagram\.com|facebook\.com|twitter\.com|tiktok\.com)/[^\s<>"«»]+'
                    || '|\[(id|club|public)[0-9]+\|[^\]]*\]|[@*]id[0-9]+( \([^)]*\))?'
                    || '|(?<![0-9])(\+?[78][ (.-]*)?\(?[0-9]{3}[ ).-]*[0-9]{3}[ .-]*[0-9]{2}[ .-]*[0-9]{2}(?![0-9])',
                    '(скрыто)', 'gi'
                )
        else {{ text }}
    end
{%- endmacro %}
