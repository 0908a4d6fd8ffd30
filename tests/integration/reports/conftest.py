from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from mcu.reports.archive import Archive
from mcu.settings import Settings
from tests.integration.reports import hand_made_bi, scripted_smtp

WORLD = hand_made_bi.World(
    week=date(2026, 11, 16),
    municipalities=[
        ("60701000", "город Ростов-на-Дону", 120),
        ("60737000", "город Таганрог", 40),
        ("60602000", "Аксайский район", 20),
        ("60652000", "Советский район", 0),
    ],
    topics=[
        ("ЖКХ", "Прорыв водопровода"),
        ("Благоустройство", "Уборка снега"),
        ("Мусор/Свалки/ТКО", "Вывоз мусора, 100 % <b>"),
        ("Дороги", "Ямы\nBcc: other@example.org {{ 7*7 }} $x$"),
    ],
    authorities=[f"Администрация № {number} <script>alert(1)</script>" for number in range(12)],
)


@pytest.fixture(autouse=True)
def _archive_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery finds in it the editions of the deliveries before, so each test has its own."""
    monkeypatch.setenv("MCU_ARCHIVE", str(tmp_path / "archive"))


def kept_editions() -> Archive:
    """The archive of the running test."""
    return Archive(Settings.from_env().archive)


@pytest.fixture
def bi(warehouse: Connection) -> Connection:
    """A warehouse whose `bi` holds the week of 16 November 2026 and its Sunday."""
    hand_made_bi.build(warehouse, WORLD)
    return warehouse


@pytest.fixture
def mail_server() -> Iterator[scripted_smtp.MailServer]:
    with scripted_smtp.running() as server:
        yield server
