{#-
Names as they are compared: lower case, ё as е, only letters and digits, single spaces, a space at both ends.
Spelled out instead of lower(), which leaves Cyrillic alone in a database with the C locale.
-#}
{% macro plain_text(name) -%}
    ' ' || trim(regexp_replace(
        translate(
            lower({{ name }}),
            'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё',
            'абвгдеежзийклмнопрстуфхцчшщъыьэюяе'
        ),
        '[^а-яa-z0-9]+', ' ', 'g'
    )) || ' '
{%- endmacro %}

{#- A region as it is compared: «Ростовская обл.» is «Ростовская область». -#}
{% macro plain_region(name) -%}
    regexp_replace({{ plain_text(name) }}, ' (область|обл) $', ' ')
{%- endmacro %}

{#- Whether a Да/Нет field says yes; null stays null. -#}
{% macro is_yes(flag) -%}
    {{ plain_text(flag) }} = ' да '
{%- endmacro %}

{#- A topic or group name without the fast-track star; absent: «(не указано)». -#}
{% macro topic_name(name) -%}
    coalesce(nullif(trim(regexp_replace(regexp_replace({{ name }}, '^[★\s]+', ''), '\s+', ' ', 'g')), ''), '(не указано)')
{%- endmacro %}
