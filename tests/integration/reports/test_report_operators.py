"""The operators of the report DAGs, with Airflow's own connections, against a real PostgreSQL and SMTP session."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from psycopg2.extensions import connection as Connection

from mcu.operators import deliver_report, marts_hold
from mcu.operators.deliver_report import DeliverReportOperator
from mcu.operators.marts_hold import MartsHoldSensor
from mcu.operators.report_period import period_of_run
from mcu.reports.archive import Archive
from mcu.reports.period import Period
from stack.paths import REPOSITORY
from tests.integration.reports.conftest import kept_editions
from tests.integration.reports.scripted_smtp import MailServer

pytestmark = pytest.mark.postgres

WEEK = Period("weekly", date(2026, 11, 16))
MONDAY_8 = datetime(2026, 11, 23, 5, tzinfo=UTC)


def context(period_start: str | None = None, interval_end: datetime | None = MONDAY_8, **params: Any) -> Any:
    run = SimpleNamespace(data_interval_end=interval_end, run_after=MONDAY_8, start_date=datetime.now(UTC))
    return {"dag_run": run, "params": {"period_start": period_start} | params}


@pytest.fixture
def connections(warehouse_dsn: str, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both connections, given to Airflow as an installation gives them."""
    extra = "disable_tls=true&disable_ssl=true&from_email=reports%40mcu.example"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{mail_server.port}/?{extra}")


@pytest.fixture
def two(bi: Connection, connections: None) -> Connection:
    """Two subscribers of the oblast's weekly report."""
    with bi, bi.cursor() as cursor:
        cursor.execute(
            "insert into ops.report_subscription (recipient, report, scope)"
            " values ('a@mcu.example', 'weekly', 'oblast'), ('b@mcu.example', 'weekly', 'oblast')"
        )
    return bi


def deliver(run: Any = None) -> dict[str, int]:
    """One try, of a run of its own unless one is given."""
    return DeliverReportOperator(task_id="deliver", report="weekly").execute(run or context())


def test_period_of_a_scheduled_run_and_of_one_by_hand() -> None:
    assert period_of_run("weekly", context()) == WEEK
    assert period_of_run("weekly", context(interval_end=None)) == WEEK
    assert period_of_run("weekly", context("2026-09-07")) == Period("weekly", date(2026, 9, 7))
    with pytest.raises(AirflowFailException, match="Monday"):
        period_of_run("weekly", context("2026-09-08"))


def test_sensor_waits_for_the_end_of_the_period(bi: Connection, connections: None) -> None:
    sensor = MartsHoldSensor(task_id="wait", report="weekly")
    assert sensor.mode == "reschedule"
    assert sensor.poke(context())
    assert not sensor.poke(context("2026-11-23"))
    with bi, bi.cursor() as cursor:
        cursor.execute("update bi.dim_source set newest_exported_at = '2026-11-22 23:59+03' where source = 'pos'")
    assert not sensor.poke(context())


def test_incomplete_report_goes_out_past_its_deadline_if_it_is_allowed_to(
    bi: Connection, connections: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = MartsHoldSensor(task_id="wait", report="weekly")
    with bi, bi.cursor() as cursor:
        cursor.execute("update bi.dim_source set newest_exported_at = '2026-11-22 23:59+03' where source = 'pos'")

    monkeypatch.setattr(marts_hold, "datetime", _Clock)
    for way, moment, goes in (
        ("hold", "2026-11-23 23:00+03:00", False),
        ("send", "2026-11-23 09:59+03:00", False),
        ("send", "2026-11-23 10:00+03:00", True),
    ):
        monkeypatch.setenv("MCU_REPORT_INCOMPLETE", way)
        _Clock.moment = datetime.fromisoformat(moment)
        assert sensor.poke(context()) == goes, (way, moment)
    with bi, bi.cursor() as cursor:
        cursor.execute("update bi.dim_source set newest_exported_at = '2026-11-22 23:59+03'")
    assert not sensor.poke(context()), "nothing to report of any source"


class _Clock(datetime):
    moment: datetime

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return cls.moment


def test_dry_run_fills_a_corner_of_the_archive_and_sends_nothing(two: Connection, mail_server: MailServer) -> None:
    assert deliver(context(dry_run=True)) == {"rehearsed": 1}
    assert deliver(context(dry_run=True, scope="60737000")) == {"rehearsed": 1}
    rehearsed = Archive(kept_editions().root / "dry_run")
    assert [one.scope for one in rehearsed.of_period(WEEK)] == ["oblast", "60737000"]
    assert (rehearsed.root / "index.html").exists()
    assert list(kept_editions().periods()) == []
    assert mail_server.sessions == 0
    with two.cursor() as cursor:
        cursor.execute("select count(*) from ops.delivery")
        assert cursor.fetchone() == (0,)
    with pytest.raises(AirflowFailException, match="99999999"):
        deliver(context(dry_run=True, scope="99999999"))


def test_delivery_leaves_pages_to_browse_and_forgets_what_is_old(
    two: Connection, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver()
    root = kept_editions().root
    assert (root / "index.html").exists()
    assert (root / "weekly" / "2026-11-16" / "oblast" / "r1" / "report.html").exists()
    monkeypatch.setenv("MCU_ARCHIVE_DAYS", "35")
    monkeypatch.setattr(deliver_report, "datetime", _Clock)
    _Clock.moment = datetime(2026, 12, 28, tzinfo=UTC)
    deliver()
    assert (root / "weekly" / "2026-11-16").exists(), "35 days after its end"
    _Clock.moment = datetime(2026, 12, 29, tzinfo=UTC)
    deliver()
    assert not (root / "weekly" / "2026-11-16").exists()


def test_delivery_through_airflows_connections(two: Connection, mail_server: MailServer) -> None:
    assert deliver() == {"sent": 2, "refused": 0, "planned": 0, "unknown": 0}
    assert deliver() == {"sent": 2, "refused": 0, "planned": 0, "unknown": 0}
    assert sorted(mail_server.recipients()) == ["a@mcu.example", "b@mcu.example"]
    assert mail_server.accepted[0][1]["From"] == "reports@mcu.example"


def test_run_for_one_recipient_of_one_scope(two: Connection, mail_server: MailServer) -> None:
    assert deliver(context(scope="oblast", recipient="b@mcu.example"))["sent"] == 1
    assert mail_server.recipients() == ["b@mcu.example"]
    with pytest.raises(AirflowFailException, match=r"recipient x@mcu\.example and scope oblast"):
        deliver(context(scope="oblast", recipient="x@mcu.example"))
    assert deliver(context(scope="", recipient=""))["sent"] == 2, "as a cleared field of the form comes"


def test_mail_that_has_not_gone_asks_for_another_try(two: Connection, mail_server: MailServer) -> None:
    mail_server.behaviours = {"a@mcu.example": "later"}
    with pytest.raises(AirflowException, match=r"a@mcu\.example") as error:
        deliver()
    assert not isinstance(error.value, AirflowFailException)
    mail_server.behaviours = {}
    assert deliver()["sent"] == 2


def test_mail_that_may_have_gone_fails_for_good_and_is_named(two: Connection, mail_server: MailServer) -> None:
    mail_server.behaviours = {"a@mcu.example": "drop after text"}
    with pytest.raises(AirflowFailException, match=r"a@mcu\.example \(oblast\)"):
        deliver()
    assert mail_server.recipients() == ["b@mcu.example"]


def test_refused_recipient_fails_the_run_once_and_is_named(two: Connection, mail_server: MailServer) -> None:
    mail_server.behaviours = {"a@mcu.example": "refuse"}
    with pytest.raises(AirflowFailException, match=r"a@mcu\.example \(oblast\): 550 5\.1\.1 no such user"):
        deliver()
    assert mail_server.recipients() == ["b@mcu.example"]
    assert deliver() == {"sent": 1, "refused": 1, "planned": 0, "unknown": 0}


def test_retry_for_another_mail_does_not_end_green_over_a_refusal(two: Connection, mail_server: MailServer) -> None:
    run = context()
    mail_server.behaviours = {"a@mcu.example": "refuse", "b@mcu.example": "later"}
    with pytest.raises(AirflowException) as error:
        deliver(run)
    assert not isinstance(error.value, AirflowFailException)
    mail_server.behaviours = {}
    with pytest.raises(AirflowFailException, match=r"a@mcu\.example"):
        deliver(run)
    assert mail_server.recipients() == ["b@mcu.example"]


def test_refused_sender_is_tried_again_and_the_error_has_the_servers_words(
    two: Connection, mail_server: MailServer
) -> None:
    mail_server.reply_to_mail = "530 5.7.0 authentication required"
    with pytest.raises(AirflowException, match=r"530 5\.7\.0 authentication required") as error:
        deliver()
    assert not isinstance(error.value, AirflowFailException)
    mail_server.reply_to_mail = "250 ok"
    assert deliver()["sent"] == 2


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ("disable_ssl=true", "extra of connection smtp_default names no from_email"),
        ("from_email=reports&disable_ssl=true", "extra of connection smtp_default: from_email .*'reports'"),
        ("from_email=a%40b.example&reply_to=b&disable_ssl=true", "extra of connection smtp_default: reply_to .*'b'"),
        ("from_email=a%40b.example", "either disable_ssl .* or disable_tls"),
        ("from_email=a%40b.example&disable_ssl=true&disable_tls=false", "disable_tls is true or left out, not 'false'"),
        ("from_email=a%40b.example&disable_ssl=true&timeout=0", "timeout is a number above 0, not '0'"),
        ("from_email=a%40b.example&disable_ssl=true&mails_per_minute=many", "mails_per_minute .*, not 'many'"),
    ],
)
def test_bad_setting_fails_for_good_and_is_named(
    two: Connection, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, extra: str, complaint: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{mail_server.port}/?{extra}")
    with pytest.raises(AirflowFailException, match=complaint):
        deliver()
    assert mail_server.sessions == 0


def test_period_that_the_marts_do_not_have_fails_for_good(two: Connection) -> None:
    with pytest.raises(AirflowFailException, match="2025-11-17"):
        DeliverReportOperator(task_id="deliver", report="weekly").execute(context("2025-11-17"))


def test_parsing_a_report_dag_draws_and_renders_nothing() -> None:
    code = (
        "import sys, runpy; runpy.run_path('dags/report_weekly.py');"
        "print(sorted({'matplotlib', 'mjml', 'jinja2.environment', 'mcu.reports.period'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": "plugins", "PATH": ""} | {
        "AIRFLOW_HOME": str(REPOSITORY / ".local" / "test" / "airflow")
    }
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    loaded = run.stdout.strip().splitlines()[-1]
    assert "mcu.reports.period" in loaded
    assert "matplotlib" not in loaded
    assert "mjml" not in loaded
