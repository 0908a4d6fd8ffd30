{#- Lower case. Spelled out, as lower() leaves Cyrillic alone in a database with the C locale. -#}
{% macro lower_case(text) -%}
    translate(
            lower({{ text }}), 'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ', 'абвгдеёжзийклмнопрстуфхцчшщъыьэюя'
        )
{%- endmacro %}

{#- Names as they are compared: lower case, ё as е, only letters and digits, single spaces, a space at both ends. -#}
{% macro plain_text(name) -%}
    ' ' || trim(regexp_replace(
        translate({{ lower_case(name) }}, 'ё', 'е'), '[^а-яa-z0-9]+', ' ', 'g'
    )) || ' '
{%- endmacro %}

{#-
A municipality or an organisation as it is compared: plain, with the usual abbreviations spelled out («г. о.», «м.р-н»,
«МО», «Ростов н/Д»), and the adjective before its noun: «район Азовский» is «Азовский район», yet in «Азовского района
Советский …» each noun has its own already.
-#}
{% macro plain_place(name) -%}
    {%- set text = namespace(sql=plain_text(name)) -%}
    {%- for pattern, replacement in [
        ("(?<= )ростов([а-я]*) (на д|н д)(?= )", "ростов\\1 на дону"),
        ("(?<= )р ?н(а|у|е|ом)?(?= (?!дону ))", "район"),
        ("(?<= )м ?р(?= )", "муниципальный район"),
        ("(?<= )м ?о(?= )", "муниципальный округ"),
        ("(?<= )г ?о(?= )", "городской округ"),
        ("(?<= )(м|мун|муниц)(?= (район|округ))", "муниципальный"),
        ("(?<= )(г|гор)(?= округ)", "городской"),
        ("(?<= )(г|гор)(?= )", "город"),
        (
            "(?<!(ий|ой|ого|ому|ом) )(?<= )((муниципальн[а-я]* )?(район|округ)[а-я]*)"
            ~ " (([а-я]+[оь] )?[а-я]+[сц]к(ий|ой|ого|ому|ом))(?= )(?! (район|округ|городск|сельск))",
            "\\4 \\1"
        ),
    ] -%}
        {%- set text.sql = "regexp_replace(" ~ text.sql ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 'g')" -%}
    {%- endfor -%}
    {{ text.sql }}
{%- endmacro %}

{#- A region as it is compared: «Ростовская обл.» is «Ростовская область». -#}
{% macro plain_region(name) -%}
    regexp_replace({{ plain_text(name) }}, ' (область|обл) $', ' ')
{%- endmacro %}

{#- Whether a Да/Нет field says yes; null stays null. -#}
{% macro is_yes(flag) -%}
    {{ plain_text(flag) }} = ' да '
{%- endmacro %}

{#- A topic or group name without the fast-track star; absent: «(не указано)». Most need no second look. -#}
{% macro topic_name(name) -%}
    coalesce(
        nullif(
            case
                when {{ name }} ~ '^[★\s]|\s$|\s\s|[^\S ]'
                    then trim(regexp_replace(regexp_replace({{ name }}, '^[★\s]+', ''), '\s+', ' ', 'g'))
                else {{ name }}
            end,
            ''
        ),
        '(не указано)'
    )
{%- endmacro %}

{#-
A name as it is shown, told by its own spelling alone: single spaces, «quotes», е for ё, a capital at its beginning. What
else differs, as ALL CAPITALS do, takes a line in a seed.
-#}
{% macro tidy_name(name) -%}
    {%- set text -%}
        trim(regexp_replace(translate({{ name }}, 'ёЁ' || chr(160), 'еЕ '), '\s+', ' ', 'g'))
    {%- endset -%}
    {%- set text = "regexp_replace(" ~ text ~ ", '(^|[ (])[\"“”„‟«»]+', '\\1«', 'g')" -%}
    {%- set text = "regexp_replace(" ~ text ~ ", '[\"“”„‟»]+', '»', 'g')" -%}
    translate(left({{ text }}, 1), 'абвгдежзийклмнопрстуфхцчшщъыьэюя', 'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ')
        || substr({{ text }}, 2)
{%- endmacro %}

{#- Host of a URL in lower case: without scheme, user, port, path and the root's dot. Empty where none is to be found. -#}
{% macro url_host(url) -%}
    case
            when {{ url }} is not null
                then coalesce(rtrim({{ lower_case("substring(" ~ url
                    ~ " from '^\\s*(?:(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)?(?:[^/?#\\s]*@)?([^/?#:@\\s]+)')") }}, '.'), '')
        end
{%- endmacro %}
