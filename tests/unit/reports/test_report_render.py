from __future__ import annotations

import re
import struct
from dataclasses import replace
from functools import cache
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from mcu.reports import charts, edition, html
from mcu.reports.compose import compose, subject
from mcu.reports.document import Document, Number
from mcu.reports.message import build, message_id
from mcu.reports.query import ALL, OBLAST, Row
from mcu.reports.render import Rendered, render
from tests.integration.reports.mail_cells import cells
from tests.report_forms import active_parts, pdf_difference, skeleton
from tests.unit.reports import made_up, made_up_document

MOSCOW = ZoneInfo("Europe/Moscow")
HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "</td></mj-table><mj-raw>",
    "<mj-include path='/etc/passwd'/>",
    "--> <![endif]--> ]]>",
    "\"'&&amp;`",
    "$\\frac{a}{b}$",
    "Ямы\r\nBcc: other@example.org\x00\x1b\u2028",
    "Ж" * 400,
    "Ж " * 400,
    "a/b%2Fc",
    "",
    "</mj-text><script>alert(1)</script>",
    "без\u200bшва",
    "и\u0306 \u00a0",  # letters that MJML writes in its own way in an attribute
    "\ufffe\uffff",  # letters that no XML may hold
    *made_up_document.HOSTILE,
]
LONGEST_IN_PRINT = 200  # the PDF cuts longer titles; a longer cell may go on on the next page, beside others
SAFE_NAME = re.compile(r"[\w(][\w .,()-]{0,119}\.(pdf|xlsx)")


def weekly(scope: str = OBLAST, **data: object) -> Rendered:
    return render(compose(edition.make(made_up.weekly(**data), scope), MOSCOW))  # type: ignore[arg-type]


def documents(text: str) -> list[Document]:
    """Three editions whose every word of data is `text`."""
    common = made_up.common(
        name=text,
        channels={"gosuslugi": Row("dim_channel", ("gosuslugi",), {"name_ru": text})},
        sources=[made_up.source_row("pos", text, made_up.common().as_of)],
    )
    of_week, of_day = made_up.weekly(topic=text, authority=text, common=common), made_up.daily(topic=text)
    of_day = replace(of_day, common=replace(of_day.common, municipalities=common.municipalities))
    made = (edition.make(of_week, OBLAST), edition.make(of_week, made_up.TAGANROG), edition.make(of_day, OBLAST))
    return [compose(one, MOSCOW) for one in made]


@cache
def harmless() -> list[str]:
    return [html.render(document) for document in documents("Слово")]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_text_from_data_stays_text(text: str) -> None:
    for document, page in zip(documents(text), harmless(), strict=True):
        rendered = render(document)
        assert skeleton(rendered.html) == skeleton(page), "the elements and comments of the report, and no other"
        assert "49" not in rendered.html.replace("#", "")
        assert "root:" not in rendered.html
        assert not set(rendered.html + rendered.text) & {"\x00", "\x1b", "\u2028", "\u202e"}
        numbers = [piece for line in document.shown_lines() for piece in line if isinstance(piece, Number)]
        assert [cell.path for cell in cells(rendered.html)] == [number.path for number in numbers]
        assert all(tuple(map(unquote, one.path.split("/")[1:-1])) == one.row.key for one in numbers)
        _assert_files_are_safe(document, rendered, is_short=len(text) <= LONGEST_IN_PRINT)
        mail = build(rendered, "r@mcu.example", "a@mcu.example", "<1@mcu.example>", document.as_of)
        head = mail.partition(b"\r\n\r\n")[0]
        assert b"\r\nBcc" not in head
        assert head.count(b"\r\nSubject:") == 1
        assert max(map(len, mail.split(b"\r\n"))) <= 998


def _assert_files_are_safe(document: Document, rendered: Rendered, *, is_short: bool) -> None:
    in_print, book = rendered.attachments
    for file in rendered.attachments:
        assert SAFE_NAME.fullmatch(file.name), file.name
    assert active_parts(book.content) == []
    if is_short:
        assert pdf_difference(document, in_print.content) is None


def test_an_element_or_a_comment_more_would_be_seen() -> None:
    page = harmless()[0]
    for more in ("<script>", "<b>", "<!-- x -->", "<![CDATA[x]]>", "<?x?>"):
        assert skeleton(page.replace("Слово", more, 1)) != skeleton(page)


def test_nulls_everywhere_are_said() -> None:
    row = made_up.week_row(**made_up.NULLS | made_up.ZEROS)
    weeks = dict(made_up.weekly().weeks) | {(OBLAST, ALL): [row], (OBLAST, "pos"): [row]}
    rendered = weekly(weeks=weeks, topics={}, authorities=[], heat=[], usual={}, answer_quality=[], emerging={})
    assert "нет данных" in rendered.html
    assert ">None<" not in rendered.html
    assert 'data-value=""' in rendered.html


def test_municipality_without_a_message_still_gets_its_report() -> None:
    rendered = weekly(made_up.AKSAY, topics={made_up.AKSAY: []})
    assert "Аксайский район" in rendered.html
    assert "прошлой недели нет в данных" in rendered.html
    assert list(rendered.images) == ["trend@report"]


def test_zone_has_its_colour_and_little_data_its_word() -> None:
    assert 'class="zone yellow"' in weekly().html
    row = made_up.week_row(made_up.TAGANROG, zone="few", on_time_share=1.0)
    rendered = weekly(made_up.TAGANROG, weeks=dict(made_up.weekly().weeks) | {(made_up.TAGANROG, ALL): [row]})
    assert "мало данных" in rendered.html


def test_nothing_is_fetched_from_elsewhere() -> None:
    page = weekly().html
    assert "@import" not in page
    assert "fonts.googleapis" not in page
    assert 'src="http' not in page
    assert "<link" not in page


def test_every_picture_is_shown_and_has_words() -> None:
    rendered = weekly()
    assert set(rendered.images) == {"trend@report", "topics@report", "places@report", "heat@report"}
    for content_id in rendered.images:
        assert f'src="cid:{content_id}"' in rendered.html
    assert rendered.html.count("<img ") == rendered.html.count('<img alt="') == len(rendered.images)
    assert 'alt=""' not in rendered.html


@pytest.mark.parametrize("points", [1, 2, 12, 14])
def test_trend_is_a_picture_twice_as_wide_as_shown(points: int) -> None:
    png = charts.trend([charts.TrendPoint(f"{n:02}.11", n * 1000, n, 0) for n in range(points)])
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1200
    assert 600 < height < 800


def test_bars_of_nothing_but_zeros_can_be_drawn() -> None:
    assert charts.bars([charts.Bar("Ямы", 0, 0), charts.Bar("Снег", 0)]).startswith(b"\x89PNG")


def test_subject_is_one_line_in_russian() -> None:
    made = edition.make(made_up.weekly(common=made_up.common("город Таган\r\nрог")), made_up.TAGANROG)
    assert subject(made) == "Недельный отчёт: обращения жителей, Таган рог, 16–22 ноября 2026"


def test_message_id_is_told_by_what_is_sent_to_whom() -> None:
    one = message_id(made_up.WEEK, OBLAST, "a@mcu.example", 1, "ЦУР <r@mcu.example>")
    assert one == message_id(made_up.WEEK, OBLAST, "a@mcu.example", 1, "ЦУР <r@mcu.example>")
    others = {
        message_id(made_up.SUNDAY, OBLAST, "a@mcu.example", 1, "r@mcu.example"),
        message_id(made_up.WEEK, made_up.TAGANROG, "a@mcu.example", 1, "r@mcu.example"),
        message_id(made_up.WEEK, OBLAST, "b@mcu.example", 1, "r@mcu.example"),
        message_id(made_up.WEEK, OBLAST, "a@mcu.example", 2, "r@mcu.example"),
    }
    assert len(others | {one}) == 5
    assert "a@mcu" not in one


def test_header_of_two_lines_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        build(weekly(), "r@mcu.example", "a@mcu.example\r\nBcc: x@y", "<1@m>", made_up.common().as_of)
