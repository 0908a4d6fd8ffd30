"""The compose file and the Dockerfile keep what they promise; each check is also shown a file that breaks it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.environment import LINEAGE
from tests.unit.test_make_secrets import make_secrets

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
Services = dict[str, dict[str, Any]]

SECRET_NAME = re.compile(r"PASSWORD|SECRET|KEY|AUTH$")
URL_PASSWORD = re.compile(r"://[^:/@]*:[^/@]*@")


def open_to_the_network(services: Services) -> set[str]:
    """Services with a port that other machines can reach."""
    return {
        name
        for name, service in services.items()
        for port in service.get("ports", [])
        if not str(port).startswith("127.0.0.1:")
    }


def long_running(services: Services) -> Services:
    return {name: service for name, service in services.items() if service.get("restart") != "no"}


def unwatched(services: Services) -> set[str]:
    """Long-running services that nobody checks or nobody starts again."""
    return {
        name
        for name, service in long_running(services).items()
        if service.get("restart") != "unless-stopped" or not service.get("healthcheck", {}).get("test")
    }


def unordered(services: Services) -> set[str]:
    """Services that start before what they depend on is ready."""
    ready = {"service_healthy", "service_completed_successfully"}
    return {
        name
        for name, service in services.items()
        for needed in (service.get("depends_on") or {}).values()
        if needed.get("condition") not in ready
    }


def secrets_in_environments(services: Services) -> set[str]:
    """Environment names whose value is a secret or has one in it, for `docker inspect` to show. Files are none."""
    found = set()
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            is_secret = SECRET_NAME.search(name) and not name.endswith(("_CMD", "_FILE", "_BACKEND", "_KWARGS"))
            if (value and is_secret) or URL_PASSWORD.search(value or ""):
                found.add(name)
    return found


def unlimited(services: Services) -> set[str]:
    """Services whose memory has no bound or whose log grows for ever."""
    rotated = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    return {
        name for name, service in services.items() if not service.get("mem_limit") or service.get("logging") != rotated
    }


CHECKS = [open_to_the_network, unwatched, unordered, secrets_in_environments, unlimited]
FAULTS: list[tuple[Callable[[Services], set[str]], str, str, Any]] = [
    (open_to_the_network, "postgres", "ports", ["5432:5432"]),
    (open_to_the_network, "api-server", "ports", ["0.0.0.0:8080:8080"]),
    (unwatched, "scheduler", "healthcheck", {}),
    (unwatched, "worker", "restart", "on-failure"),
    (unordered, "worker", "depends_on", {"airflow-init": {"condition": "service_started"}}),
    (unlimited, "redis", "mem_limit", None),
    (unlimited, "scheduler", "logging", {"driver": "json-file"}),
]


@pytest.mark.parametrize("check", CHECKS)
def test_compose_file_is_clean(check: Callable[[Services], set[str]]) -> None:
    assert check(COMPOSE["services"]) == set()


@pytest.mark.parametrize(("check", "service", "setting", "value"), FAULTS)
def test_check_finds_fault(check: Callable[[Services], set[str]], service: str, setting: str, value: Any) -> None:
    services = copy.deepcopy(COMPOSE["services"])
    services[service][setting] = value
    assert check(services) == {service}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", "postgres"),
        ("AIRFLOW__CORE__FERNET_KEY", "${FERNET_KEY}"),
        ("WAREHOUSE_DSN", "postgresql://warehouse:warehouse@postgres/warehouse"),
        ("AIRFLOW__CELERY__BROKER_URL", "redis://:${REDIS_PASSWORD:-redis}@redis:6379/0"),
    ],
)
def test_secret_in_an_environment_is_found(name: str, value: str) -> None:
    assert secrets_in_environments({"a": {"environment": {name: value}}}) == {name}


def test_every_secret_file_that_is_read_is_made(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    read = set(re.findall(r"secrets/(\w[\w.]*)", text))
    read |= set(re.findall(r":'secrets'/(\w+)", (ROOT / "docker/databases.sql").read_text()))
    make_secrets.make(tmp_path, {})
    assert {"postgres_password", "airflow_fernet_key", "warehouse_dsn", "bi_reader_password", "connections.env"} <= read
    assert read <= {file.name for file in tmp_path.iterdir()}


def test_what_stands_in_env_goes_into_no_service_but_by_name() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "env_file" in service] == ["secrets"]
    passed_on = {name for name, value in COMPOSE["x-airflow"]["environment"].items() if value is None}
    assert {name for name in passed_on if not name.startswith("MCU_")} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "AIRFLOW_CONN_ALERT_WEBHOOK",
    }


def test_every_variable_is_documented_and_none_is_needed() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | set(re.findall(r"(?m)^    ([A-Z_]+):$", text))
    assert {"INBOX", "SECRETS", "MCU_REGION"} <= used
    assert used <= set(re.findall(r"(?m)^#(\w+)=", (ROOT / ".env.example").read_text()))
    assert ":?" not in text


def test_airflow_services_share_one_image() -> None:
    images = {name: service["image"] for name, service in COMPOSE["services"].items() if service["image"] == "mcu"}
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "airflow-init"} <= images.keys()
    assert set(images.values()) == {"mcu"}
    assert [name for name, service in COMPOSE["services"].items() if "build" in service] == ["secrets"]


def test_image_installs_the_lock_and_nothing_else() -> None:
    assert re.findall(r"pip install [^\n]*", DOCKERFILE) == [
        "pip install --root-user-action=ignore -r /tmp/requirements.txt"
    ]
    assert "source=requirements.txt,target=/tmp/requirements.txt" in DOCKERFILE


def test_image_does_not_run_as_root() -> None:
    assert re.findall(r"(?m)^USER (\S+)", DOCKERFILE) == ["50000"]


def test_build_context_is_a_list_of_what_the_image_copies() -> None:
    first, *rest = (line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#"))
    allowed = {line.removeprefix("!").rstrip("/") for line in rest if line.startswith("!")}
    copied = {source.rstrip("/") for line in re.findall(r"(?m)^COPY (.+)", DOCKERFILE) for source in line.split()[:-1]}
    assert first == "*"
    assert allowed == copied | {"requirements.txt"}


@pytest.mark.parametrize(
    ("name", "section", "key", "variable", "unset", "given"),
    [
        ("AIRFLOW__METRICS__OTEL_ON", "metrics", "otel_on", "OTEL_EXPORTER_OTLP_ENDPOINT", False, True),
        ("AIRFLOW__OPENLINEAGE__DISABLED", "openlineage", "disabled", "MCU_LINEAGE", True, False),
    ],
)
def test_nothing_is_told_outside_unless_env_says_where_to(
    monkeypatch: pytest.MonkeyPatch, name: str, section: str, key: str, variable: str, unset: bool, given: bool
) -> None:
    from airflow.configuration import conf

    text = COMPOSE["services"]["worker"]["environment"][name]
    switch = re.fullmatch(rf"\$\{{{variable}:\+([^}}]*)\}}(\w+)", text)
    assert switch, text
    for value, expected in ((switch[2], unset), (switch[1] + switch[2], given)):
        monkeypatch.setenv(name, value)
        assert conf.getboolean(section, key) is expected
    assert COMPOSE["services"]["worker"]["environment"][variable] is None


def test_lineage_is_told_alike_by_both_stacks() -> None:
    ours = COMPOSE["services"]["worker"]["environment"]
    for name, value in LINEAGE.items():
        is_json = value.startswith(("{", "["))
        assert json.loads(ours[name]) == json.loads(value) if is_json else ours[name] == value
