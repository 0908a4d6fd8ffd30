"""The operator with Airflow's own connections, and the mail that comes when it fails."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from mcu.operators.alert_engineers import AlertEngineersOperator, mail_failure, webhook_url
from tests.integration.alerts.world import HOUR, Hook, World
from tests.integration.reports.scripted_smtp import MailServer

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)
EXTRA = "disable_tls=true&disable_ssl=true&from_email=mcu%40mcu.example"


@pytest.fixture
def warehouse_connection(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_dsn)


@pytest.fixture
def engineers(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{mail_server.port}/?{EXTRA}")
    monkeypatch.setenv("MCU_ALERT_RECIPIENTS", "a@mcu.example, b@mcu.example")


@pytest.fixture
def chat(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "http", "host": hook.url, "password": "part-that-is-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_WEBHOOK", json.dumps(connection))


@pytest.fixture
def refused(world: World, warehouse_connection: None) -> World:
    world.do("truncate ops.load cascade")
    world.fresh(NOW)
    world.load("a.xlsx", "refused", NOW, "a.xlsx: нет столбцов")
    return world


def look() -> dict[str, int]:
    return AlertEngineersOperator(task_id="alert_engineers").execute({})


def test_without_recipients_and_webhook_the_log_tells(refused: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mcu.alerts"):
        assert look() == {"standing": 1, "new": 1, "told": 0}
        assert look() == {"standing": 1, "new": 0, "told": 0}
    (record,) = [record for record in caplog.records if record.name == "mcu.alerts.tell"]
    assert "a.xlsx: нет столбцов" in record.getMessage()


def test_both_ways_once(refused: World, engineers: None, chat: None, mail_server: MailServer, hook: Hook) -> None:
    assert [look()["told"] for _ in range(3)] == [1, 0, 0]
    assert len(mail_server.accepted) == 1
    assert hook.paths == ["/hooks/part-that-is-secret"]


def test_broken_webhook_keeps_no_mail_back_and_is_tried_again(
    refused: World, engineers: None, chat: None, mail_server: MailServer, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 500
    for _ in range(2):
        with caplog.at_level(logging.DEBUG), pytest.raises(AirflowException, match="the answer is 500") as error:
            look()
        assert not isinstance(error.value, AirflowFailException)
    assert "part-that-is-secret" not in caplog.text
    hook.status = 200
    look()
    look()
    assert (len(mail_server.accepted), len(hook.bodies)) == (1, 3)


def test_broken_mail_keeps_no_webhook_back(
    refused: World, engineers: None, chat: None, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:1/?{EXTRA}")
    with pytest.raises(AirflowException, match=r"^mail: ConnectionRefusedError"):
        look()
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "smtp://127.0.0.1:1/")
    with pytest.raises(AirflowException, match="from_email"):
        look()
    assert len(hook.bodies) == 1


def test_engineer_whom_the_server_does_not_take_fails_once(
    refused: World, engineers: None, mail_server: MailServer
) -> None:
    mail_server.behaviours = {"a@mcu.example": "refuse"}
    with pytest.raises(AirflowFailException, match=r"does not take: a@mcu\.example: 550"):
        look()
    assert look()["told"] == 0


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({"host": "https://chat.example.org/hooks", "password": "x/y"}, "https://chat.example.org/hooks/x/y"),
        ({"host": "https://chat.example.org/hooks/"}, "https://chat.example.org/hooks/"),
        ({"host": "chat.example.org", "password": "x"}, "https://chat.example.org/x"),
        ({"host": "chat", "schema": "http", "port": 8065, "password": "x"}, "http://chat:8065/x"),
    ],
)
def test_address_of_a_webhook(parts: dict[str, Any], url: str) -> None:
    assert webhook_url(Connection(conn_id="alert_webhook", conn_type="http", **parts)) == url


def test_webhook_without_an_address_is_a_fault_that_is_told(refused: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_WEBHOOK", json.dumps({"conn_type": "http"}))
    with pytest.raises(AirflowException, match="webhook: "):
        look()


def failed(earlier: timedelta | None) -> Any:
    """Context of a failed run of now; `earlier`: how long before it the last failed one was."""
    run = SimpleNamespace(logical_date=NOW, run_id="scheduled__now")
    before = SimpleNamespace(logical_date=NOW - earlier) if earlier is not None else None
    ti = SimpleNamespace(get_previous_dagrun=lambda state: before if state == "failed" else pytest.fail(state))
    return {"dag_run": run, "ti": ti, "exception": psycopg2.OperationalError("password=secret")}


@pytest.mark.parametrize(("earlier", "mails"), [(None, 1), (HOUR / 12, 0), (HOUR - HOUR / 60, 0), (HOUR, 1)])
def test_failure_is_mailed_without_the_warehouse_once_an_hour(
    engineers: None, mail_server: MailServer, earlier: timedelta | None, mails: int
) -> None:
    mail_failure(failed(earlier))
    assert len(mail_server.accepted) == mails
    for _, mail in mail_server.accepted:
        assert mail["Subject"] == "МЦУ: неполадки не отслеживаются"
        (html,) = mail.iter_parts()
        text = html.get_content()
        assert "OperationalError" in text
        assert "scheduled__now" in text
        assert "secret" not in text


def test_failure_is_mailed_to_nobody_without_recipients(
    engineers: None, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MCU_ALERT_RECIPIENTS")
    mail_failure(failed(None))
    assert mail_server.sessions == 0
