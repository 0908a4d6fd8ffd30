"""Late data changes numbers of editions that have gone out, against a real PostgreSQL and SMTP session."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from psycopg2.extensions import connection as Connection

from mcu.operators import editions
from mcu.operators.editions import CheckEditionsOperator, DeliverRevisionOperator, PrepareRevisionOperator
from mcu.reports.archive import Archived
from mcu.reports.archive_pages import CHANGES
from mcu.reports.query import PeriodNotInMartsError
from tests.integration.reports.conftest import kept_editions
from tests.integration.reports.mail_cells import html_of
from tests.integration.reports.scripted_smtp import MailServer
from tests.integration.reports.test_delivery import OBLAST, TAGANROG, WEEK, send, states, subscribe, three
from tests.integration.reports.test_report_operators import connections

pytestmark = pytest.mark.postgres
__all__ = ["connections", "three"]


@pytest.fixture
def delivered(
    three: Connection, connections: None, warehouse_dsn: str, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """The week has gone to a and b (oblast) and c (Таганрог), a day ago."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 24, 5, tzinfo=UTC)

    monkeypatch.setattr(editions, "datetime", Clock)
    send(warehouse_dsn, mail_server)
    mail_server.accepted.clear()
    return three


def correct(connection: Connection, column: str, scope: str = TAGANROG) -> None:
    """One more of it in the week, in the marts: one that no other edition shows."""
    table = "rpt_weekly_region" if scope == OBLAST else "rpt_weekly_municipality"
    place = "true" if scope == OBLAST else f"oktmo = '{scope}'"
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"update bi.{table} set {column} = {column} + 1 where week_start = %s and source = 'all' and {place}",
            [WEEK.start],
        )


def context(prepared: Any = None) -> Any:
    return {
        "params": {"report": "weekly", "period_start": "2026-11-16"},
        "dag_run": SimpleNamespace(start_date=datetime.now(UTC)),
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: prepared),
    }


def check() -> int:
    return CheckEditionsOperator(task_id="check_editions").execute(context())


def prepare() -> dict[str, Any]:
    return PrepareRevisionOperator(task_id="prepare").execute(context())


def deliver(prepared: Any) -> dict[str, int]:
    return DeliverRevisionOperator(task_id="deliver", prepared_by="prepare").execute(context(prepared))


def noted(connection: Connection) -> list[tuple[str, int]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select scope, corrections from ops.report_change order by scope")
        return cursor.fetchall()


def newest(scope: str) -> Archived:
    return [one for one in kept_editions().of_period(WEEK) if one.scope == scope][-1]


def changes_page(scope: str) -> str:
    page = newest(scope).folder / CHANGES
    return page.read_text() if page.exists() else ""


def test_same_marts_are_no_news(delivered: Connection) -> None:
    assert check() == 0
    assert (noted(delivered), changes_page(TAGANROG)) == ([], "")
    with pytest.raises(AirflowSkipException, match="no edition that went out is corrected"):
        prepare()


def test_correction_is_shown_noted_and_proposed_for_its_scope_alone(
    delivered: Connection, mail_server: MailServer
) -> None:
    correct(delivered, "closed_unanswered")
    assert check() == 1
    assert noted(delivered) == [(TAGANROG, 1)]
    assert "Исправлено" in changes_page(TAGANROG)
    assert changes_page(OBLAST) == ""

    prepared = prepare()
    assert prepared["revision"] == 2
    assert "**город Таганрог**" in prepared["text"]
    assert [(one.scope, one.revision) for one in kept_editions().of_period(WEEK)] == [
        (OBLAST, 1),
        (TAGANROG, 1),
        (TAGANROG, 2),
    ]
    assert mail_server.sessions == 1, "nothing goes before somebody approves"


def test_approved_revision_goes_once_to_those_who_had_the_first(
    delivered: Connection, mail_server: MailServer, warehouse_dsn: str
) -> None:
    subscribe(delivered, ("new@mcu.example", "weekly", TAGANROG))
    correct(delivered, "closed_unanswered")
    prepared = prepare()
    assert deliver(prepared) == {"sent": 1, "refused": 0, "unknown": 0}
    assert deliver(prepared)["sent"] == 1

    assert mail_server.recipients() == ["c@mcu.example"]
    mail = mail_server.accepted[0][1]
    assert mail["Subject"].startswith("Уточнённый недельный отчёт: обращения жителей, Таганрог")
    assert ".r2." in mail["Message-ID"]
    assert "Он заменяет отправленный раньше" in html_of(mail)
    assert check() == 0, "what is corrected now is what the marts say"
    # Who was not there gets the first edition as it was, as everybody did.
    send(warehouse_dsn, mail_server)
    assert mail_server.recipients() == ["c@mcu.example", "new@mcu.example"]


def test_what_was_approved_goes_even_if_the_marts_have_moved_on(delivered: Connection, mail_server: MailServer) -> None:
    correct(delivered, "closed_unanswered")
    prepared = prepare()
    approved = newest(TAGANROG).said
    correct(delivered, "closed_unanswered")
    deliver(prepared)
    assert newest(TAGANROG).said == approved
    assert check() == 1, "and then the difference is news again"
    assert prepare()["revision"] == 3


def test_rejected_revision_is_made_anew_and_leaves_nothing_behind(
    delivered: Connection, mail_server: MailServer
) -> None:
    correct(delivered, "closed_unanswered")
    prepare()
    with delivered, delivered.cursor() as cursor:
        cursor.execute(
            "update bi.rpt_weekly_municipality set closed_unanswered = closed_unanswered - 1"
            " where week_start = %s and source = 'all' and oktmo = %s",
            [WEEK.start, TAGANROG],
        )
    correct(delivered, "closed_unanswered", OBLAST)
    prepared = prepare()
    assert prepared["revision"] == 2
    assert deliver(prepared)["sent"] == 2
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example"]


def test_mark_that_came_later_is_shown_and_is_no_correction(delivered: Connection) -> None:
    correct(delivered, "satisfied_share")
    assert check() == 0
    assert "Оценки и итоги, которые пришли позже" in changes_page(TAGANROG)
    with pytest.raises(AirflowSkipException):
        prepare()


def test_subscription_that_ended_gets_no_revision(delivered: Connection) -> None:
    correct(delivered, "closed_unanswered")
    prepared = prepare()
    with delivered, delivered.cursor() as cursor:
        cursor.execute(
            "update ops.report_subscription set valid_from = current_date - 9, valid_to = current_date - 1"
            " where recipient = 'c@mcu.example'"
        )
    with pytest.raises(AirflowFailException, match="nobody who is subscribed"):
        deliver(prepared)


def test_missing_source_is_said_and_its_coming_is_a_correction(
    three: Connection,
    connections: None,
    warehouse_dsn: str,
    mail_server: MailServer,
) -> None:
    rows: dict[str, list[Any]] = {}
    with three, three.cursor() as cursor:
        for table in ("rpt_weekly_region", "rpt_weekly_municipality"):
            cursor.execute(
                f"delete from bi.{table} where week_start = %s and source in ('all', 'incident') returning {table}.*",
                [WEEK.start],
            )
            rows[table] = cursor.fetchall()
    send(warehouse_dsn, mail_server)
    mail = next(mail for recipient, mail in mail_server.accepted if recipient == "c@mcu.example")
    assert mail["Subject"].startswith("Данные неполные. Недельный отчёт")
    assert "нет выгрузки за весь период — Инцидент Менеджмент" in html_of(mail)

    with three, three.cursor() as cursor:
        for table, lines in rows.items():
            for line in lines:
                cursor.execute(f"insert into bi.{table} values ({', '.join(['%s'] * len(line))})", line)
    prepared = prepare()
    assert "пришёл источник: Инцидент Менеджмент" in prepared["text"]
    assert deliver(prepared)["sent"] == 3
    assert set(states(three).values()) == {"sent"}


def test_no_source_has_the_period(three: Connection, warehouse_dsn: str, mail_server: MailServer) -> None:
    with three, three.cursor() as cursor:
        cursor.execute("delete from bi.rpt_weekly_region where week_start = %s", [WEEK.start])
    with pytest.raises(PeriodNotInMartsError):
        send(warehouse_dsn, mail_server)
