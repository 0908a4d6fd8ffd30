from __future__ import annotations

import struct
from zoneinfo import ZoneInfo

import pytest

from mcu.reports import charts, edition
from mcu.reports.compose import compose, subject
from mcu.reports.message import build, message_id
from mcu.reports.query import ALL, OBLAST
from mcu.reports.render import Rendered, render
from tests.unit.reports import made_up

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
]


def weekly(scope: str = OBLAST, **data: object) -> Rendered:
    return render(compose(edition.make(made_up.weekly(**data), scope), MOSCOW))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_text_from_data_stays_text(text: str) -> None:
    common = made_up.common(name=text)
    for made in (
        edition.make(made_up.weekly(topic=text, authority=text, common=common), OBLAST),
        edition.make(made_up.weekly(topic=text, common=common), made_up.TAGANROG),
        edition.make(made_up.daily(topic=text), OBLAST),
    ):
        rendered = render(compose(made, MOSCOW))
        assert "<script" not in rendered.html
        assert "<mj-" not in rendered.html
        assert "49" not in rendered.html.replace("#", "")
        assert rendered.html.count("<!--[if") == rendered.html.count("<![endif]"), "a comment was opened or closed"
        assert "root:" not in rendered.html
        assert not set(rendered.html + rendered.text) & {"\x00", "\x1b", "\u2028"}
        mail = build(rendered, "r@mcu.example", "a@mcu.example", "<1@mcu.example>", made.common.as_of)
        head = mail.partition(b"\r\n\r\n")[0]
        assert b"\r\nBcc" not in head
        assert head.count(b"\r\nSubject:") == 1


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
    html = weekly().html
    assert "@import" not in html
    assert "fonts.googleapis" not in html
    assert 'src="http' not in html
    assert "<link" not in html


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
