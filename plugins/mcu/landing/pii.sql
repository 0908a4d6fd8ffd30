-- Pseudonyms and forgetting. Safe to run again at any time. What is personal: docs/personal_data.md.

create or replace function pii.plain(value text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    plain text := lower(value);
begin
    if octet_length(plain) > length(plain) then
        -- Spelled out: lower() leaves Cyrillic as it is in a database with the C locale.
        plain := translate(plain, 'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё', 'абвгдеежзийклмнопрстуфхцчшщъыьэюяе');
    end if;
    if plain ~ '\s' then
        plain := btrim(regexp_replace(plain, '\s+', ' ', 'g'));
    end if;
    return plain;
end $$;
comment on function pii.plain(text) is 'Text as names are compared: lower case, ё as е, single spaces.';

create or replace function pii.page(url text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    page text := regexp_replace(pii.plain(url), '^([a-z]+://)?(www\.|m\.)?', '');
begin
    if strpos(page, '?') > 0 and page !~ '\?(.*&)?id=' then
        page := split_part(page, '?', 1);  -- where one came from; only facebook.com names people behind it
    end if;
    if strpos(page, '#') > 0 then
        page := split_part(page, '#', 1);
    end if;
    return rtrim(page, '/');
end $$;
comment on function pii.page(text) is 'Address of a page as pages are compared: without scheme, www., m., last slash.';

create or replace function pii.pseudonym(value text) returns text
language plpgsql stable strict parallel safe as $$
declare
    plain text := nullif(pii.plain(value), '');
    result text;
begin
    if plain is null then
        return null;
    end if;
    select encode(sha256(outer_pad || sha256(inner_pad || convert_to(plain, 'UTF8'))), 'hex')
    into result
    from pii.pseudonym_key;
    if result is null then
        raise exception 'pii.pseudonym_key is empty'
        using hint = 'Run the set-up of the schema with MCU_PSEUDONYM_SECRET.';
    end if;
    return result;
end $$;
comment on function pii.pseudonym(text) is 'HMAC-SHA256 of the plain text under the key of pii.pseudonym_key; blank: null.';

create or replace function pii.author_pseudonym(url text) returns text
language sql stable strict parallel safe as $$ select pii.pseudonym(pii.page(url)) $$;
comment on function pii.author_pseudonym(text) is 'Pseudonym of who has this page, however its address is written.';

revoke execute on all functions in schema pii from public;

create or replace function ops.without_contacts(value text) returns text
language sql immutable parallel safe as $$
    -- Most texts have nothing that a contact needs, and are looked at once. Not strict, so that it is inlined.
    select case
        when value ~ '@|/|www\.|\[(id|club|public)|[0-9][^[:alpha:]]{8,}[0-9]'
            then regexp_replace(
                value,
                '[^\s@<>(),;:"«»]+@[^\s@<>(),;:"«»]+\.[^\s@<>(),;:"«».]{2,}'
                || '|(https?://|\mwww\.)[^\s<>"«»]+'
                || '|\m(m\.)?(vk\.com|vk\.ru|vkontakte\.ru|ok\.ru|odnoklassniki\.ru|t\.me|telegram\.me|max\.ru|dzen\.ru'
                || '|rutube\.ru|youtube\.com|instagram\.com|facebook\.com|twitter\.com|tiktok\.com)/[^\s<>"«»]+'
                || '|\[(id|club|public)[0-9]+\|[^\]]*\]|[@*]id[0-9]+( \([^)]*\))?'
                || '|(?<![0-9])(\+?[78][ (.-]*)?\(?[0-9]{3}[ ).-]*[0-9]{3}[ .-]*[0-9]{2}[ .-]*[0-9]{2}(?![0-9])',
                '(скрыто)', 'gi'
            )
        else value
    end
$$;
comment on function ops.without_contacts(text) is
'The text with «(скрыто)» for phones, e-mails, addresses of pages and mentions of persons. Names are not told from words.';
