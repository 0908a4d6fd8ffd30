"""The channel of a post by its URL, however the URL is written; what is shown of an unknown one."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection

from tests.integration.transform import rendered

pytestmark = pytest.mark.postgres

UNREADABLE = "(не распознано)"

# URL → channel, None where no seed knows it, and the domain as it is listed.
URLS: dict[str | None, tuple[str | None, str] | None] = {
    "https://vk.com/wall-1_2": ("vk", "vk.com"),
    "http://m.vk.com/wall-1_2": ("vk", "vk.com"),
    "https://www.vk.com/wall-1_2": ("vk", "vk.com"),
    "https://vk.ru/azov": ("vk", "vk.ru"),
    "HTTPS://VK.COM/WALL-1_2": ("vk", "vk.com"),
    "https://VK.com:443/wall-1_2": ("vk", "vk.com"),
    "https://user:secret@vk.com/wall-1_2": ("vk", "vk.com"),
    "https://vk.com./wall-1_2": ("vk", "vk.com"),
    "https://vk.com": ("vk", "vk.com"),
    "https://vk.com?w=wall-1_2": ("vk", "vk.com"),
    "https://vk.com#top": ("vk", "vk.com"),
    "//vk.com/wall-1_2": ("vk", "vk.com"),
    "vk.com/wall-1_2": ("vk", "vk.com"),
    "vk.com:443/wall-1_2": ("vk", "vk.com"),
    "  https://vk.com/wall-1_2": ("vk", "vk.com"),
    "https://new.m.vk.com/wall-1_2": ("vk", "vk.com"),
    "https://ok.ru/group/3": ("ok", "ok.ru"),
    "https://m.ok.ru/group/3": ("ok", "ok.ru"),
    "https://t.me/azov/5": ("telegram", "t.me"),
    "https://t.me/@azov": ("telegram", "t.me"),
    "http://telegram.me/azov/6": ("telegram", "telegram.me"),
    "https://azov.t.me/5": ("telegram", "t.me"),
    "https://max.ru/azov": ("max", "max.ru"),
    "https://web.max.ru/-1": ("max", "max.ru"),
    "https://dzen.ru/a/1": ("dzen", "dzen.ru"),
    "https://zen.yandex.ru/media/1": ("dzen", "yandex.ru"),
    "https://www.youtube.com/watch?v=1": ("youtube", "youtube.com"),
    "https://youtu.be/1": ("youtube", "youtu.be"),
    "https://rutube.ru/video/1": ("rutube", "rutube.ru"),
    # Not ours, however alike.
    "https://evilvk.com/wall-1_2": (None, "evilvk.com"),
    "https://vk.com.example.ru/wall-1_2": (None, "example.ru"),
    "https://vk.com@example.ru/": (None, "example.ru"),
    "https://example.ru/?from=vk.com": (None, "example.ru"),
    "https://yandex.ru/maps": (None, "yandex.ru"),
    "https://ivan-ivanov.livejournal.com/1.html": (None, "livejournal.com"),
    "https://ПРИМЕР.РФ/иванов": (None, "пример.рф"),
    "https://xn--e1afmkfd.xn--p1ai/": (None, "xn--e1afmkfd.xn--p1ai"),
    "https://10.0.0.1/": (None, UNREADABLE),
    "Иванов Иван": (None, UNREADABLE),
    "https://localhost/": (None, UNREADABLE),
    "https:///wall": (None, UNREADABLE),
    "/wall-1_2": (None, UNREADABLE),
    None: None,
}


def test_the_channel_of_a_post(warehouse: Connection) -> None:
    rendered.make_table(warehouse, "post", "select null::text as url limit 0", [(url,) for url in URLS])
    rendered.make_table(
        warehouse,
        "int_message_version",
        rendered.render("select {{ url_host('url') }} as post_host, url from post"),
    )
    rendered.make_seed(warehouse, "channels")
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select versions.url, matches.host, matches.channel, matches.domain from int_message_version as versions"
            f" left join ({rendered.model('int_channel_match')}) as matches on versions.post_host = matches.host"
        )
        found = {url: None if host is None else (channel, domain) for url, host, channel, domain in cursor}
    assert found == URLS
