from __future__ import annotations

import stat
from base64 import urlsafe_b64decode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stack.environment import PSEUDONYM_SECRET, Ports, process_environment, pseudonym_secret, service_environment
from stack.paths import read_dotenv
from stack.secret import secret

PORTS = Ports(postgres=1, airflow=2, smtp=3, mail_page=4)


def environment(state: Path) -> dict[str, str]:
    return service_environment(state, PORTS, "postgresql://a:b@h/airflow", "postgresql://a:b@h/w", state / "inbox")


def test_services_talk_to_the_chosen_ports_and_databases(tmp_path: Path) -> None:
    env = environment(tmp_path)

    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://a:b@h/airflow"
    assert env["AIRFLOW_CONN_WAREHOUSE"] == env["WAREHOUSE_DSN"] == "postgresql://a:b@h/w"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:2/execution/"
    mail = urlsplit(env["AIRFLOW_CONN_SMTP_DEFAULT"])
    assert (mail.hostname, mail.port) == ("127.0.0.1", 3)
    assert parse_qs(mail.query)["disable_tls"] == ["true"]


def test_the_environment_is_the_same_each_time_so_that_services_are_not_restarted(tmp_path: Path) -> None:
    assert environment(tmp_path) == environment(tmp_path)


def test_the_fernet_key_is_32_bytes(tmp_path: Path) -> None:
    assert len(urlsafe_b64decode(environment(tmp_path)["AIRFLOW__CORE__FERNET_KEY"])) == 32


def test_only_the_owner_may_read_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "x"
    secret(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_callers_own_airflow_does_not_steer_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    env = process_environment({"AIRFLOW_HOME": "/state"})

    assert env["AIRFLOW_HOME"] == "/state"
    assert not {"AIRFLOW__CORE__EXECUTOR", "PYTHONPATH"} & env.keys()


def test_dotenv_fills_in_only_our_settings_that_the_shell_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCU_REGION", "из оболочки")
    monkeypatch.setenv("MCU_SOURCES", "pos")  # what was not there before, monkeypatch would not take away again
    monkeypatch.delenv("MCU_SOURCES")
    monkeypatch.delenv("POSTGRES_PASSWORD", raising=False)
    dotenv = tmp_path / ".env"
    dotenv.write_text("# note\nMCU_REGION=из файла\nMCU_SOURCES='incident'\nPOSTGRES_PASSWORD=x\n")

    read_dotenv(dotenv)

    import os

    assert os.environ["MCU_REGION"] == "из оболочки"
    assert os.environ["MCU_SOURCES"] == "incident"
    assert "POSTGRES_PASSWORD" not in os.environ


def test_the_secret_of_the_pseudonyms_is_made_once_and_reaches_no_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PSEUDONYM_SECRET)
    assert pseudonym_secret(tmp_path, is_kept=True) is None
    made = pseudonym_secret(tmp_path, is_kept=False)
    assert made == pseudonym_secret(tmp_path, is_kept=False) == (tmp_path / "secrets" / "pseudonym").read_text()

    monkeypatch.setenv(PSEUDONYM_SECRET, "the user's own")
    assert pseudonym_secret(tmp_path, is_kept=True) == "the user's own"
    ours = environment(tmp_path)
    assert PSEUDONYM_SECRET not in process_environment(ours)
    assert not {"the user's own", made} & set(process_environment(ours).values())
