from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import SMTP
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mcu.reports import message
from mcu.reports.period import Period
from mcu.reports.render import Attachment, Rendered

WEEK = Period("weekly", date(2026, 11, 16))
PDF = Attachment("Недельный отчёт, Таганрог, 16–22 ноября 2026.pdf", "application/pdf", b"%PDF-1.7 \r\n.\r\n\x00")
XLSX = Attachment(
    "Недельный отчёт, Таганрог.xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"PK\x03\x04" + bytes(range(256)),
)
EVIL = "x\r\nBcc: other@example.org"


def rendered(subject: str = "Отчёт", *attachments: Attachment) -> Rendered:
    return Rendered(subject, "Текст", "<img src='cid:trend@report'>", {"trend@report": b"\x89PNG"}, attachments)


def built(mail: Rendered, *, sender: str = "ЦУР <r@mcu.example>", reply_to: str | None = None) -> EmailMessage:
    unsubscribe = message.unsubscribe(WEEK, "60737000", "otdel@mcu.example")
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    wire = message.build(
        mail, sender, "a@mcu.example", "<1@mcu.example>", at, reply_to=reply_to, list_unsubscribe=unsubscribe
    )
    return BytesParser(_class=EmailMessage, policy=SMTP).parsebytes(wire)


def shape(part: MIMEPart) -> str:
    """«mixed(alternative(plain, …), pdf)»."""
    if not part.is_multipart():
        return part.get_content_subtype()
    return f"{part.get_content_subtype()}({', '.join(shape(inner) for inner in part.iter_parts())})"


def test_files_stand_beside_the_text_and_come_out_as_they_went_in() -> None:
    mail = built(rendered("Отчёт", PDF, XLSX))
    assert shape(mail) == f"mixed(alternative(plain, related(html, png)), pdf, {XLSX.media_type.partition('/')[2]})"
    for part, file in zip(mail.iter_attachments(), (PDF, XLSX), strict=True):
        assert part.get_content_disposition() == "attachment"
        assert part.get_filename() == file.name
        assert part.get_content() == file.content


def test_no_server_is_asked_for_more_than_seven_bits() -> None:
    wire = message.build(
        rendered("Отчёт", PDF, XLSX), "r@mcu.example", "a@mcu.example", "<1@mcu.example>", datetime.now(UTC)
    )
    assert wire.isascii()


def test_russian_file_name_is_percent_encoded_utf_8() -> None:
    wire = message.build(
        rendered("Отчёт", PDF), "r@mcu.example", "a@mcu.example", "<1@mcu.example>", datetime.now(UTC)
    ).decode("ascii")
    assert " filename*0*=utf-8''%D0%9D%D0%B5%D0%B4" in wire, "RFC 2231; not =?utf-8?…?= inside a parameter"


def test_mail_without_files_has_no_wrapping() -> None:
    assert shape(built(rendered())) == "alternative(plain, related(html, png))"


@pytest.mark.parametrize(
    "address", ["r@mcu.example", f"{'long.' * 12}name@{'department.' * 4}mcu.example", "a?b&c@x.ru"]
)
def test_list_unsubscribe_is_one_url_that_says_from_what(address: str) -> None:
    value = message.unsubscribe(WEEK, "60737000", address)
    mail = message.build(
        rendered(), "r@mcu.example", "a@mcu.example", "<1@mcu.example>", datetime.now(UTC), list_unsubscribe=value
    )
    assert f"\r\nList-Unsubscribe: {value}\r\n".encode("ascii") in mail, "as it is, whatever its length"
    url = urlsplit(value.strip("<>"))
    assert (url.scheme, parse_qs(url.query)) == ("mailto", {"subject": ["Отписка от отчёта: weekly, 60737000"]})
    assert unquote(url.path) == address


def test_reply_to_stands_only_where_it_is_set() -> None:
    assert built(rendered())["Reply-To"] is None
    assert built(rendered(), reply_to="Отдел <otdel@mcu.example>")["Reply-To"] == "Отдел <otdel@mcu.example>"


@pytest.mark.parametrize(
    "make",
    [
        lambda: built(rendered(EVIL)),
        lambda: built(rendered(), sender=f"{EVIL} <r@mcu.example>"),
        lambda: built(rendered(), reply_to=f"{EVIL} <r@mcu.example>"),
        lambda: built(rendered("Отчёт", Attachment(EVIL, "application/pdf", b""))),
    ],
    ids=["subject", "sender", "reply_to", "file name"],
)
def test_value_of_two_lines_makes_no_mail(make: Callable[[], EmailMessage]) -> None:
    with pytest.raises(ValueError, match=r"linefeed|header"):
        make()


def test_lines_in_a_russian_file_name_and_an_unsubscribe_address_stay_inside() -> None:
    mail = built(rendered("Отчёт", Attachment(f"Отчёт {EVIL}", "application/pdf", b"")))
    assert mail["Bcc"] is None
    assert "\n" not in message.unsubscribe(WEEK, EVIL, EVIL)
