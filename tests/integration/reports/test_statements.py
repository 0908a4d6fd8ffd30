"""What all editions show is read by a fixed number of statements, whatever the number of municipalities."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.reports import edition, query
from mcu.reports.compose import compose
from mcu.reports.period import Period
from mcu.reports.query import OBLAST, DailyData, WeeklyData
from mcu.reports.render import render
from tests.integration.reports import hand_made_bi
from tests.integration.reports.conftest import WORLD

pytestmark = pytest.mark.postgres

MOSCOW = ZoneInfo("Europe/Moscow")
PERIODS = (Period("weekly", date(2026, 11, 16)), Period("daily", date(2026, 11, 22)))
FEW, MANY = 1, 40


class _Noted(Cursor):
    """A cursor that notes what it is asked."""

    statements: ClassVar[list[str]] = []

    def execute(self, statement: Any, parameters: Any = None) -> None:
        self.statements.append(str(statement))
        super().execute(statement, parameters)


@pytest.fixture
def statements() -> list[str]:
    _Noted.statements.clear()
    return _Noted.statements


def fill(warehouse: Connection, municipalities: int) -> None:
    """The world of the tests with so many municipalities, each with messages of its own."""
    places = [(f"607{number:05}", f"Район {number}", 5 + number) for number in range(municipalities)]
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("".join(f"drop table if exists bi.{table};" for table in hand_made_bi.TABLES))
    hand_made_bi.build(warehouse, replace(WORLD, municipalities=places))


def read(dsn: str, period: Period) -> WeeklyData | DailyData:
    """The data, over a connection that is closed by then."""
    with closing(psycopg2.connect(dsn, cursor_factory=_Noted)) as connection:
        return query.read(connection, period, "Ростовская область", MOSCOW)


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.report)
def test_more_municipalities_are_no_more_statements(
    warehouse: Connection, warehouse_dsn: str, statements: list[str], period: Period
) -> None:
    asked = {}
    for municipalities in (FEW, MANY):
        fill(warehouse, municipalities)
        statements.clear()
        data = read(warehouse_dsn, period)
        assert len(data.common.municipalities) == municipalities + 1  # what is of none of them
        asked[municipalities] = list(statements)
    assert 10 < len(asked[FEW]) < 25
    assert asked[MANY] == asked[FEW]


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.report)
def test_editions_are_made_without_the_database(
    bi: Connection, warehouse_dsn: str, statements: list[str], monkeypatch: pytest.MonkeyPatch, period: Period
) -> None:
    data = read(warehouse_dsn, period)
    asked = list(statements)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("an edition is made of what has been read")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    for scope in (OBLAST, *data.common.municipalities):
        assert render(compose(edition.make(data, scope), MOSCOW)).attachments
    assert statements == asked


def test_a_statement_more_would_be_noted(warehouse_dsn: str, statements: list[str]) -> None:
    with closing(psycopg2.connect(warehouse_dsn, cursor_factory=_Noted)) as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
    assert statements == ["select 1"]
