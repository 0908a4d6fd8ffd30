"""docs/how_to_query.md: each query runs as the reader that it is for, finds something, and finds the truth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from stack.paths import REPOSITORY
from stack.postgres import READER, Cluster

pytestmark = pytest.mark.postgres

PAGE = (REPOSITORY / "docs" / "how_to_query.md").read_text(encoding="utf-8")
WEEKS = [date(2026, 2, day) for day in (2, 9, 16)]


@dataclass(frozen=True)
class Question:
    title: str
    text: str
    sql: str
    is_for_owner: bool


def _questions() -> list[Question]:
    sections = re.findall(r"^## (\d+\. .*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    found = []
    for title, text in sections:
        ((owner, query),) = re.findall(r"```sql( owner)?\n(.*?)```", text, re.S)
        found.append(Question(title, text, query, bool(owner)))
    return found


QUESTIONS = _questions()


Ask = Callable[[int], list[dict[str, Any]]]


@pytest.fixture
def ask(postgres_server: Cluster, built_database: str, built: Connection) -> Iterator[Ask]:
    """Gives the rows that the question of a number finds."""
    with built, built.cursor() as cursor:  # one late message of a Friday
        cursor.execute(
            "insert into ops.restated_day (build_id, source, oktmo, date, count, before, after)"
            " select build_id, 'pos', '60704000', '2026-02-20', 'received', 4, 5 from ops.mart_build"
        )
    with closing(psycopg2.connect(postgres_server.dsn(built_database, READER))) as reader:

        def rows(number: int) -> list[dict[str, Any]]:
            question = QUESTIONS[number - 1]
            connection = built if question.is_for_owner else reader
            with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
                cursor.execute(question.sql)
                return [dict(row) for row in cursor.fetchall()]

        yield rows


def test_there_are_ten_questions_with_a_russian_line_each() -> None:
    assert [question.title.split(".")[0] for question in QUESTIONS] == [str(number) for number in range(1, 11)]
    for question in QUESTIONS:
        assert re.search(r"^\*[А-Я][^*]*\.\*$", question.text, re.M), question.title
    assert PAGE.count("```sql") == len(QUESTIONS)


def test_each_query_finds_something(ask: Ask) -> None:
    assert [question.title for number, question in enumerate(QUESTIONS, 1) if not ask(number)] == []


def test_the_numbers_of_the_page_are_true(ask: Ask) -> None:
    """Against what the exports of this world say, counted here by hand: see `_write_exports`."""
    by_day = {(row["date"], row["source"]): row["received"] for row in ask(2)}
    assert by_day == {
        **{(monday, "incident"): 24 for monday in WEEKS},
        **{(WEEKS[0] + timedelta(days=day), "pos"): 1 for day in range(18)},
    }

    # Each fourth incident has no answer, all of them in Азовский район; of ПОС the last one is done on Saturday.
    friday = {row["name"]: (row["open_at_end"], row["overdue_at_end"]) for row in ask(3)}
    assert friday == {"Азовский район": (18, 18), "город Азов": (1, 0)}

    # Answered: numbers that four does not divide; late: of these, those that three divides.
    answered = [number for _ in WEEKS for number in range(24) if number % 4]
    late = [number for number in answered if number % 3 == 0]
    (on_time,) = [row for row in ask(5) if row["authority"] == "Азов г.о."]
    unanswered = 3 * 6
    assert on_time["decided"] == len(answered) + unanswered
    assert on_time["on_time_share"] == pytest.approx((len(answered) - len(late)) / (len(answered) + unanswered))

    waiting = ask(6)
    assert {row["message_id"] for row in waiting} == {
        f"incident:{1000 * week + number}" for week in (1, 2, 3) for number in range(0, 24, 4)
    }
    # Due on Tuesday, 3 February, at ten: 7.5 hours of that day, then 13 days of nine hours up to Friday, the 20th.
    assert waiting[0]["overdue_working_days"] == Decimal("13.8")

    (month,) = ask(7)
    minutes = [660 if number % 3 == 0 else 120 for number in answered]
    assert (month["month"], month["n"], month["median_minutes"]) == (date(2026, 2, 1), len(minutes), median(minutes))

    (author,) = ask(8)
    assert (author["messages"], author["still_open"]) == (72, 18)

    (restated,) = ask(10)
    assert (restated["date"], restated["before"], restated["after"]) == (date(2026, 2, 20), 4, 5)
