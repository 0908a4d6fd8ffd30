"""docker/make_secrets.py: a secret a file, fresh in each installation, never changed again."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_SPEC = importlib.util.spec_from_file_location("make_secrets", Path(__file__).parents[2] / "docker/make_secrets.py")
assert _SPEC
assert _SPEC.loader
make_secrets = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_secrets)


def read(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    make_secrets.make(tmp_path, {})
    return tmp_path


def test_each_is_made_and_none_like_another(secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make_secrets.make(other, {})
    made = [read(folder)[name] for folder in (secrets, other) for name in make_secrets.MADE]
    assert len(set(made)) == 2 * len(make_secrets.MADE)
    assert all(len(bytes.fromhex(value)) == 32 for value in made if not value.endswith("="))
    assert len(base64.urlsafe_b64decode(read(secrets)["airflow_fernet_key"])) == 32


def test_a_second_start_changes_nothing(secrets: Path) -> None:
    before = read(secrets)
    make_secrets.make(secrets, {"REDIS_PASSWORD": "too late"})
    assert read(secrets) == before


def test_what_the_environment_has_is_taken(tmp_path: Path) -> None:
    make_secrets.make(tmp_path, {"WAREHOUSE_DB_PASSWORD": "p@ss/word", "AIRFLOW_ADMIN_PASSWORD": ""})
    assert read(tmp_path)["warehouse_db_password"] == "p@ss/word"
    url = urlsplit(read(tmp_path)["warehouse_dsn"])
    assert (url.username, url.password, url.hostname, url.path) == (
        "warehouse",
        "p%40ss%2Fword",
        "postgres",
        "/warehouse",
    )
    assert len(read(tmp_path)["airflow_admin_password"]) == 64


def test_urls_follow_a_password_that_was_changed(secrets: Path) -> None:
    (secrets / "redis_password").write_text("new\n")
    (secrets / "airflow_db_password").write_text("newer")
    make_secrets.make(secrets, {})
    assert read(secrets)["celery_broker_url"] == "redis://:new@redis:6379/0"
    assert read(secrets)["airflow_database_url"] == "postgresql+psycopg2://airflow:newer@postgres/airflow"


def test_connections_of_ones_own_stay_beside_the_warehouse(secrets: Path) -> None:
    with (secrets / "connections.env").open("a") as file:
        file.write("smtp_default=smtp://somewhere\n")
    make_secrets.make(secrets, {"WAREHOUSE_DSN": "postgresql://far/away"})
    assert read(secrets)["connections.env"] == "warehouse=postgresql://far/away\nsmtp_default=smtp://somewhere\n"
