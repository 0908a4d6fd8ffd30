"""All editions of a week of the demo and of its Sunday: every number in mail, PDF and workbook is the marts' number.

The charts, which are pictures of numbers that stand beside them, are left blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from functools import cache
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from PIL import Image

from mcu.reports import edition, html, pdf, query, workbook
from mcu.reports.compose import compose
from mcu.reports.document import Document, Number, Picture
from mcu.reports.period import Period
from mcu.reports.query import OBLAST, DailyData, WeeklyData
from stack.postgres import Cluster
from tests.integration.reports import built_demo
from tests.integration.reports.built_demo import SUNDAY, WEEK
from tests.integration.reports.equal_forms import Forms, differences, sheet_numbers, shown_numbers
from tests.integration.reports.mail_cells import KEYS, RECKONED, Marts

pytestmark = pytest.mark.postgres

MOSCOW = ZoneInfo("Europe/Moscow")
NO_MUNICIPALITY, TAGANROG = "60000000", "60737000"
LEFT_OUT = 8  # of an edition's numbers, between two that are planted


@pytest.fixture(scope="module")
def demo_dsn(postgres_server: Cluster, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with built_demo.built(postgres_server, _template, tmp_path_factory.mktemp("demo")) as dsn:
        yield dsn


@pytest.fixture
def marts(demo_dsn: str) -> Iterator[Marts]:
    with closing(psycopg2.connect(demo_dsn)) as connection:
        yield Marts(connection.cursor())


def read(dsn: str, period: Period) -> WeeklyData | DailyData:
    with closing(psycopg2.connect(dsn)) as connection:
        return query.read(connection, period, "Ростовская область", MOSCOW)


def document(data: WeeklyData | DailyData, scope: str) -> Document:
    """The edition, with blank charts."""
    made = compose(edition.make(data, scope), MOSCOW)
    blocks = [replace(block, draw=_blank) if isinstance(block, Picture) else block for block in made.blocks]
    return replace(made, blocks=blocks)


@cache
def _blank() -> bytes:
    target = BytesIO()
    Image.new("RGB", (8, 4)).save(target, format="png")
    return target.getvalue()


def test_every_number_of_every_edition_is_the_marts_number(demo_dsn: str, marts: Marts) -> None:
    tables: set[str] = set()
    for period in (WEEK, SUNDAY):
        data = read(demo_dsn, period)
        scopes = [OBLAST, *data.common.municipalities]
        assert len(scopes) == 57
        assert {NO_MUNICIPALITY, TAGANROG} < set(scopes)
        for scope in scopes:
            made = document(data, scope)
            assert differences(made, Forms.of(made), marts) == [], f"{period.report} report of {scope}"
            numbers = [*shown_numbers(made), *sheet_numbers(made)]
            assert len(numbers) > 50
            tables.update(number.row.table for number in numbers)
    assert tables == {*KEYS, *RECKONED}, "the demo has something for every table that reports read"


@pytest.mark.parametrize("period", [WEEK, SUNDAY], ids=["weekly", "daily"])
def test_a_number_that_is_wrong_in_one_form_is_seen(demo_dsn: str, marts: Marts, period: Period) -> None:
    right = document(read(demo_dsn, period), TAGANROG)
    forms = Forms.of(right)
    for wrong in _with_one_wrong(right, shown_numbers(right)):
        assert _forms_told(right, replace(forms, html=html.render(wrong)), marts) == {"HTML"}
        assert _forms_told(right, replace(forms, pdf=pdf.render(wrong)), marts) == {"PDF"}
    for wrong in _with_one_wrong(right, sheet_numbers(right)):
        assert _forms_told(right, replace(forms, xlsx=workbook.render(wrong)), marts) == {"XLSX"}


@pytest.mark.parametrize("period", [WEEK, SUNDAY], ids=["weekly", "daily"])
def test_a_word_of_a_mail_s_number_that_is_wrong_is_seen(demo_dsn: str, marts: Marts, period: Period) -> None:
    """What is written and what is shown are told apart."""
    made = document(read(demo_dsn, period), TAGANROG)
    forms = Forms.of(made)
    for pattern in (r'(data-value=")', r'(data-value="[^"]*">)'):
        page = re.sub(pattern, r"\g<1>1", forms.html, count=1)
        assert _forms_told(made, replace(forms, html=page), marts) == {"HTML"}


def test_a_number_that_the_marts_do_not_have_is_seen_in_mail_and_workbook(demo_dsn: str) -> None:
    made = document(read(demo_dsn, WEEK), TAGANROG)
    with closing(psycopg2.connect(demo_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update marts.rpt_weekly_municipality set received = received + 1 where oktmo = %s and week_start = %s",
            [TAGANROG, WEEK.start],
        )
        assert cursor.rowcount > 0
        assert _forms_told(made, Forms.of(made), Marts(cursor)) == {"HTML", "XLSX"}
        connection.rollback()


def _forms_told(document: Document, forms: Forms, marts: Marts) -> set[str]:
    return {told.partition(":")[0] for told in differences(document, forms, marts)}


def _with_one_wrong(right: Document, numbers: Sequence[Number]) -> Iterator[Document]:
    for number in numbers[:: LEFT_OUT + 1]:
        # By a hundred thousand, so that it is seen in minutes and in shares alike; the old digits stay its last ones.
        values = {**number.row.values, number.column: (number.value or 0) + 100_000}
        yield _exchanged(right, number, replace(number, row=replace(number.row, values=values)))


def _exchanged(part: Any, old: Number, new: Number) -> Any:
    """The part of a document with `new` wherever `old` stands."""
    if part is old:
        return new
    if isinstance(part, list | tuple):
        return type(part)(_exchanged(one, old, new) for one in part)
    if is_dataclass(part) and not isinstance(part, type | Number | Period):
        changes = {one.name: _exchanged(getattr(part, one.name), old, new) for one in fields(part)}
        return replace(part, **changes)
    return part
