"""Every word of the marts is hostile; the mails at the mail server are the report and nothing else."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date
from email.message import EmailMessage

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from mcu.reports.format import one_line, shown
from tests.integration.reports import hand_made_bi
from tests.integration.reports.mail_cells import Marts, cells, html_of
from tests.integration.reports.scripted_smtp import MailServer
from tests.integration.reports.test_delivery import OBLAST, SUNDAY, WEEK, send, subscribe
from tests.report_forms import active_parts, page_texts, skeleton, squeezed

pytestmark = [pytest.mark.postgres, pytest.mark.filterwarnings("ignore:Glyph")]

HOSTILE = [
    '=HYPERLINK("http://x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-1+1",
    '#panic("x")',
    "$x^2$",
    "*b*",
    "</mj-text><script>alert(1)</script>",
    "{{7*7}}<!-- -->",
    "Ямы\r\nBcc: x@y",
    "вправо\u202eвлево\u200b\ufffe",
    "",
]
PLACES = [f"607{number:05}" for number in range(len(HOSTILE))]
ELEMENTS = {
    *("html", "head", "body", "title", "meta", "style", "div", "table", "tbody", "tr", "td", "th", "p", "span", "b"),
    *("br", "img", "comment", "declaration"),
}


def fill(warehouse: Connection, texts: list[str], longest: str) -> None:
    world = hand_made_bi.World(
        week=date(2026, 11, 16),
        municipalities=[(oktmo, text, 12) for oktmo, text in zip(PLACES, texts, strict=True)],
        topics=[*zip(texts, reversed(texts), strict=True), (longest, longest)],
        authorities=[*texts, longest],
        channels=dict(zip(hand_made_bi.CHANNELS, texts[7:10], strict=True)),
        sources=dict(zip(("pos", "incident"), texts[7:9], strict=True)),
    )
    hand_made_bi.build(warehouse, world)


def test_hostile_marts_make_mails_of_the_report_alone(
    warehouse: Connection, warehouse_dsn: str, mail_server: MailServer
) -> None:
    fill(warehouse, HOSTILE, "Ж" * 5_000)
    for scope in (OBLAST, *PLACES[7:]):
        subscribe(warehouse, *((f"{scope}@mcu.example", report, scope) for report in ("weekly", "daily")))
    for period in (WEEK, SUNDAY):
        send(warehouse_dsn, mail_server, period)

    assert len(mail_server.accepted) == 2 * (1 + len(PLACES[7:]))
    with closing(psycopg2.connect(warehouse_dsn)) as connection, connection.cursor() as cursor:
        marts = Marts(cursor)
        for recipient, mail in mail_server.accepted:
            scope = recipient.partition("@")[0]
            _assert_head_is_ours(mail, recipient, scope)
            _assert_page_is_ours(html_of(mail), marts)
            _assert_files_are_ours(mail, scope)


def _assert_head_is_ours(mail: EmailMessage, recipient: str, scope: str) -> None:
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (recipient, None, None)
    (subject,) = mail.get_all("Subject", [])
    assert not re.search(r"[\r\n\u202e\u200b]", subject)
    if scope != OBLAST:
        assert f"жителей, {one_line(HOSTILE[PLACES.index(scope)])}, " in subject


def _assert_page_is_ours(page: str, marts: Marts) -> None:
    elements = {name.removeprefix("/") for name, *_ in skeleton(page)}
    assert elements <= ELEMENTS
    assert page.count("<!--[if") == page.count("<![endif]"), "a comment was opened or closed"
    titles = ("По источникам", "Просрочено без ответа", "Как читать.")
    places = [page.index(title) for title in titles]
    assert places == sorted(places), "the first blocks, the last, and what stands below"
    found = cells(page)
    assert len(found) > 25
    for cell in found:
        value = marts.value(cell.path)
        assert (cell.value, cell.text) == ("" if value is None else repr(value), shown(cell.column, value)), cell


def _assert_files_are_ours(mail: EmailMessage, scope: str) -> None:
    in_print, book = mail.iter_attachments()
    for file in (in_print, book):
        assert re.fullmatch(r"[\w .,()-]{1,120}\.(pdf|xlsx)", file.get_filename() or ""), file.get_filename()
    assert active_parts(book.get_content()) == []
    first, *_ = page_texts(in_print.get_content())
    if scope != OBLAST:
        assert squeezed(one_line(HOSTILE[PLACES.index(scope)])) in first
