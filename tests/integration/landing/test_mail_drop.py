"""Exports that come by mail, from a real IMAP server into a folder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from email.header import Header
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from fsspec.implementations.local import LocalFileSystem
from imap_tools import BaseMailBox, MailBoxUnencrypted

from mcu.landing import mail_drop
from mcu.landing.mail_drop import MailDrop, file_name
from mcu.landing.store import Store
from mcu.operators.collect_mail import CollectMailOperator
from tests.servers import LOGIN, PASSWORD, imap_server, open_mailbox

ROBOT = "robot@pos.example"
NAME = "ПОС Ростовская область_2026-02-10_08-00.xlsx"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with imap_server() as port:
        yield port


@pytest.fixture
def mailbox(port: int) -> Iterator[MailBoxUnencrypted]:
    """The mailbox, empty."""
    with open_mailbox(port) as mailbox:
        mailbox.delete(mailbox.uids())
        yield mailbox


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def mail(*files: tuple[str, bytes], sender: str = ROBOT, subject: str = "Выгрузка") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "mcu@example.org", subject
    message.set_content("Выгрузка во вложении.")
    for name, content in files:
        message.add_attachment(content, "application", "octet-stream", filename=name)
    return message


def send(mailbox: BaseMailBox, *messages: Any) -> None:
    for message in messages:
        mailbox.append(message.as_bytes(), "INBOX")


def drop(mailbox: BaseMailBox, inbox: Path, *senders: str) -> MailDrop:
    store = Store(LocalFileSystem(), str(inbox), "inbox")
    return MailDrop(mailbox, store, senders or [ROBOT])


def lying(inbox: Path) -> list[tuple[str, bytes]]:
    """Name and content of what the extracts will find."""
    entries = Store(LocalFileSystem(), str(inbox), "inbox").workbooks()
    return sorted((entry.name, Path(entry.path).read_bytes()) for entry in entries)


def unread(mailbox: BaseMailBox) -> int:
    return len(mailbox.uids("UNSEEN"))


def test_attachments_come_into_the_inbox_once(mailbox: MailBoxUnencrypted, inbox: Path) -> None:
    send(mailbox, mail((NAME, b"one"), ("Инцидент.XLSX", b"two"), ("подпись.png", b"logo")))
    collected = drop(mailbox, inbox).collect()
    assert lying(inbox) == [("Инцидент.xlsx", b"two"), (NAME, b"one")]
    assert len(collected.saved) == 2
    assert unread(mailbox) == 0
    assert drop(mailbox, inbox).collect().saved == []


def encoded_name(style: str) -> MIMEMultipart:
    """A mail as programs write a Russian file name: by RFC 2047, though it is not allowed there, or by RFC 2231."""
    message = MIMEMultipart()
    message["From"], message["Subject"] = ROBOT, "x"
    part = MIMEApplication(b"one")
    if style == "2231":
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", NAME))
    elif style == "2047":
        part.add_header("Content-Disposition", "attachment", filename=Header(NAME, "utf-8").encode())
    else:
        part.add_header("Content-Disposition", "attachment")
        part.set_param("name", Header(NAME, "koi8-r").encode())
    message.attach(part)
    return message


@pytest.mark.parametrize("style", ["2231", "2047", "koi8-r in the content type"])
def test_russian_file_names(mailbox: MailBoxUnencrypted, inbox: Path, style: str) -> None:
    send(mailbox, encoded_name(style))
    drop(mailbox, inbox).collect()
    assert lying(inbox) == [(NAME, b"one")]


def test_two_attachments_of_one_name(mailbox: MailBoxUnencrypted, inbox: Path) -> None:
    send(mailbox, mail(("export.xlsx", b"one"), ("export.xlsx", b"two")), mail(("export.xlsx", b"three")))
    drop(mailbox, inbox).collect()
    assert lying(inbox) == [("export.xlsx", b"one"), ("export.xlsx", b"three"), ("export.xlsx", b"two")]


def test_killed_between_the_file_and_the_mark(
    mailbox: MailBoxUnencrypted, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(mailbox, mail((NAME, b"one")), mail(("b.xlsx", b"two")))

    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "flag", killed)
        with pytest.raises(KilledError):
            drop(mailbox, inbox).collect()
    assert lying(inbox) == [(NAME, b"one")]
    assert unread(mailbox) == 2, "read, but not marked"
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "mv", killed)
        with pytest.raises(KilledError):
            drop(mailbox, inbox).collect()
    assert lying(inbox) == [(NAME, b"one")], "half of the second one is hidden"
    assert drop(mailbox, inbox).collect().saved == ["mail/3fc4ccfe745870e2/b.xlsx"]
    assert lying(inbox) == [("b.xlsx", b"two"), (NAME, b"one")]
    assert unread(mailbox) == 0


def test_strangers_are_left_alone(mailbox: MailBoxUnencrypted, inbox: Path) -> None:
    forged = [
        mail((NAME, b"forged"), sender="someone@else.example"),
        mail((NAME, b"forged"), sender=f'"{ROBOT}" <someone@else.example>'),
        mail((NAME, b"forged"), sender=f"x{ROBOT}"),
        mail((NAME, b"forged"), sender="robot@pos.example.evil.example"),
    ]
    send(mailbox, *forged)
    assert drop(mailbox, inbox).collect().strangers == 4
    assert (lying(inbox), unread(mailbox)) == ([], 4)


@pytest.mark.parametrize("senders", [["ROBOT@pos.example"], ["@pos.example"], ["a@b.example", ROBOT]])
def test_senders_by_address_or_domain(mailbox: MailBoxUnencrypted, inbox: Path, senders: list[str]) -> None:
    send(mailbox, mail((NAME, b"one"), sender="Робот <Robot@POS.example>"))
    assert len(drop(mailbox, inbox, *senders).collect().saved) == 1


def test_a_mail_without_an_export_is_read(mailbox: MailBoxUnencrypted, inbox: Path) -> None:
    send(mailbox, mail(), mail(("отчёт.pdf", b"%PDF")))
    assert drop(mailbox, inbox).collect().saved == []
    assert (lying(inbox), unread(mailbox)) == ([], 0)


def archive(*members: tuple[str, bytes], name: str = "архив.zip", comment: bytes = b"") -> tuple[str, bytes]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as parts:
        for member, member_content in members:
            parts.writestr(member, member_content)
    return name, content.getvalue()


def test_workbooks_in_a_zip(mailbox: MailBoxUnencrypted, inbox: Path) -> None:
    name, content = archive((f"папка/{NAME}", b"one"), ("../../b.xlsx", b"two"), ("c.txt", b"three"))
    dos = NAME.encode("cp866")
    _, by_dos = archive(("x" * len(dos), b"four"))
    send(mailbox, mail((name, content)), mail((name, by_dos.replace(b"x" * len(dos), dos))))
    drop(mailbox, inbox).collect()
    assert lying(inbox) == [("b.xlsx", b"two"), (NAME, b"four"), (NAME, b"one")]


@pytest.mark.parametrize(
    ("file", "limit", "reason"),
    [
        ((NAME, b"x" * 5000), "MAX_MAIL", "it has 0 MiB, more than 0"),
        (archive((NAME, b"x" * 5000)), "MAX_UNPACKED", "the archive holds more than 0 MiB"),
        (("a.zip", b"no zip"), "", "the archive a.zip cannot be unpacked (File is not a zip file)"),
    ],
)
def test_a_mail_that_cannot_be_taken_is_starred_once(
    mailbox: MailBoxUnencrypted,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: tuple[str, bytes],
    limit: str,
    reason: str,
) -> None:
    if limit:
        monkeypatch.setattr(mail_drop, limit, 4000)
    send(mailbox, mail(file, subject="Выгрузка\t за день"), mail(("b.xlsx", b"two")))
    collected = drop(mailbox, inbox).collect()
    (fault,) = collected.faults
    assert fault.startswith(f"{ROBOT}, ")
    assert fault.endswith(f" за день»: {reason}")
    assert fault.isprintable()
    assert lying(inbox) == [("b.xlsx", b"two")], "the others are taken"
    assert drop(mailbox, inbox).collect().faults == []
    assert len(mailbox.uids("FLAGGED UNSEEN")) == 1


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/a.xlsx", "a.xlsx"),
        ("C:\\Выгрузки\\a.xlsx", "a.xlsx"),
        (".скрытый.xlsx", "_.скрытый.xlsx"),
        ("~$a.xlsx", "_~$a.xlsx"),
        ("a\r\nb\x00‮.XLSX", "a__b__.xlsx"),
        ('a<>:"|?*.xlsx', "a_______.xlsx"),
        (".xlsx", "_.xlsx"),
        ("я" * 300 + ".xlsx", "я" * 100 + ".xlsx"),
        ("ПОС_2026-02-10_08-00.xlsx", "ПОС_2026-02-10_08-00.xlsx"),
    ],
)
def test_a_name_that_any_folder_takes(name: str, safe: str) -> None:
    assert file_name(name) == safe


# The operator


def connect(monkeypatch: pytest.MonkeyPatch, port: int, password: str = PASSWORD, **extra: object) -> None:
    connection = {"conn_type": "imap", "host": "127.0.0.1", "port": port, "login": LOGIN, "password": password}
    extra = {"security": "none", "senders": [ROBOT], **extra}
    monkeypatch.setenv("MCU_MAILBOX", "exports_mailbox")
    monkeypatch.setenv("AIRFLOW_CONN_EXPORTS_MAILBOX", json.dumps({**connection, "extra": extra}))


def run() -> None:
    context: Any = {}
    CollectMailOperator(task_id="collect_mail").execute(context)


def test_the_task(mailbox: MailBoxUnencrypted, port: int, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_INBOX", str(inbox))
    connect(monkeypatch, port)
    send(mailbox, mail((NAME, b"one")), mail(("a.zip", b"no zip"), subject="Битая"))
    with pytest.raises(AirflowFailException, match=r"starred in the mailbox:\n.*«Битая»: the archive a.zip"):
        run()
    assert lying(inbox) == [(NAME, b"one")]
    run()


def test_without_a_mailbox_nothing_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MCU_MAILBOX", raising=False)
    with pytest.raises(AirflowSkipException, match="MCU_MAILBOX names no connection"):
        run()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"password": "guess"}, "127.0.0.1 refuses reader: wrong name or password"),
        ({"folder": "Nowhere"}, "reader has no folder 'Nowhere'"),
        ({"senders": []}, "names no senders"),
        ({"security": "tls"}, "'tls' is not ssl, starttls or none"),
    ],
)
def test_what_is_set_wrongly_fails_at_once(
    port: int, inbox: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("MCU_INBOX", str(inbox))
    connect(monkeypatch, port, **wrong)
    with pytest.raises(AirflowFailException, match=message):
        run()
