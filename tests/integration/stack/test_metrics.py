"""A scheduler of the local stack tells the receiver that it is told of, and nobody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stack.environment import OTLP_ENDPOINT, Ports, process_environment, service_environment
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.postgres import Cluster
from tests.integration.stack import otlp_receiver


def environment(state: Path, metadata: str) -> dict[str, str]:
    ports = Ports(postgres=1, airflow=free_port(), smtp=3, mail_page=4)
    return process_environment(service_environment(state, ports, metadata, "postgresql://h/w", state / "inbox"))


def airflow(env: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, "-P", "-m", "airflow", *arguments]
    subprocess.run(command, env=env, cwd=REPOSITORY, check=True, capture_output=True, timeout=300)


@pytest.mark.postgres
def test_the_scheduler_tells_of_itself(
    tmp_path: Path, postgres_server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.ensure_database("airflow_metrics")
    metadata = postgres_server.dsn("airflow_metrics")
    with otlp_receiver.running() as receiver:
        airflow(environment(tmp_path, metadata), "db", "migrate")
        airflow(environment(tmp_path, metadata), "scheduler", "--num-runs", "2", "--skip-serve-logs")
        assert receiver.paths == set()
        monkeypatch.setenv(OTLP_ENDPOINT, receiver.url)
        airflow(environment(tmp_path, metadata), "scheduler", "--num-runs", "10", "--skip-serve-logs")
    assert receiver.paths == {"/v1/metrics"}
    assert {"airflow.scheduler_heartbeat", "airflow.executor.open_slots"} <= receiver.names


@pytest.mark.parametrize(("endpoint", "is_on"), [(None, "False"), ("", "False"), ("http://127.0.0.1:4318", "True")])
def test_one_variable_switches_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str | None, is_on: str
) -> None:
    monkeypatch.delenv(OTLP_ENDPOINT, raising=False)
    if endpoint is not None:
        monkeypatch.setenv(OTLP_ENDPOINT, endpoint)
    env = environment(tmp_path, "postgresql://h/airflow")
    assert (env["AIRFLOW__METRICS__OTEL_ON"], env.get(OTLP_ENDPOINT)) == (is_on, endpoint)
    assert env["AIRFLOW__TRACES__OTEL_ON"] == "False"
