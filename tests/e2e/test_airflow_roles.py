"""Airflow's page with the settings of docker-compose.yml: secrets out of files, and who may do what."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.environment import NO_TELEMETRY
from stack.paths import REPOSITORY
from stack.ports import free_port
from stack.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

DATABASE = "airflow_roles"
IN_CONTAINER = "/opt/airflow/secrets"
START_SECONDS = 180


@dataclass(frozen=True)
class Page:
    """A running API server, and the folder of its secrets."""

    url: str
    secrets: Path

    def token(self, name: str, password: str | None = None) -> str:
        password = password or (self.secrets / f"airflow_{name}_password").read_text()
        return str(self.ask("POST", "/auth/token", {"username": name, "password": password})[1]["access_token"])

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> tuple[int, Any]:
        """Status and JSON of an answer; raises urllib.error.HTTPError for a refusal."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if "json" in answer.headers.get_content_type() else text

    def refusal(self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> int:
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.ask(method, path, body, token)
        return refused.value.code


@pytest.fixture(scope="module")
def page(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """As airflow-init and api-server of the compose file start it, on a database of its own."""
    secrets, home = tmp_path_factory.mktemp("secrets"), tmp_path_factory.mktemp("airflow")
    run("docker/make_secrets.py", str(secrets), env={"PATH": os.defpath})
    postgres_server.ensure_database(DATABASE)
    url = postgres_server.dsn(DATABASE).replace("postgresql://", "postgresql+psycopg2://")
    (secrets / "airflow_database_url").write_text(url)
    port = free_port()
    env = environment(secrets) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
    }
    run("-m", "airflow", "db", "migrate", env=env)
    for _ in range(2):  # at every start
        run("docker/make_users.py", str(secrets), env=env)
    run("-m", "airflow", "dags", "reserialize", env=env)
    command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=log, stderr=log)
    try:
        page = Page(f"http://127.0.0.1:{port}", secrets)
        wait_until_up(page, server, home / "server.log")
        yield page
    finally:
        server.terminate()
        server.wait(30)


def environment(secrets: Path) -> dict[str, str]:
    """What the compose file gives to every service of Airflow, with its folder of secrets somewhere else."""
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    shown = compose["x-airflow"]["environment"].items()
    settings = {name: re.sub(r"\$\{\w+(?::-(.*?)|:\+.*?)\}", r"\1", value or "") for name, value in shown}
    airflows = {name: value.replace(IN_CONTAINER, str(secrets)) for name, value in settings.items() if value}
    return {
        **NO_TELEMETRY,
        **airflows,
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "PYTHONPATH": str(REPOSITORY / "plugins"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
    }


def run(*arguments: str, env: Mapping[str, str]) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=dict(env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def wait_until_up(page: Page, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            page.ask("GET", "/api/v2/monitor/health")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return


@pytest.mark.parametrize("name", ["admin", "engineer", "viewer"])
def test_each_comes_in_with_the_password_of_his_file_alone(page: Page, name: str) -> None:
    assert page.ask("GET", "/api/v2/dags", token=page.token(name))[1]["total_entries"] > 10
    for guess in (name, "airflow", "admin", "password"):
        assert page.refusal("POST", "/auth/token", {"username": name, "password": guess}) == 401


def test_nobody_comes_in_without_a_login(page: Page) -> None:
    for path in ("/api/v2/dags", "/api/v2/connections", "/mcu/"):
        assert page.refusal("GET", path) == 401


def test_a_viewer_reads_and_starts_nothing(page: Page) -> None:
    token = page.token("viewer")
    assert page.ask("GET", "/api/v2/dags/report_weekly", token=token)[0] == 200
    run_of: dict[str, Any] = {"dag_run_id": "viewers", "logical_date": None, "conf": {}}
    assert page.refusal("POST", "/api/v2/dags/report_weekly/dagRuns", run_of, token) == 403
    assert page.refusal("PATCH", "/api/v2/dags/report_weekly", {"is_paused": True}, token) == 403
    assert page.refusal("GET", "/api/v2/connections", token=token) == 403
    assert page.refusal("GET", "/api/v2/variables", token=token) == 403


def test_an_engineer_starts_runs_but_makes_no_users(page: Page) -> None:
    token = page.token("engineer")
    run_of: dict[str, Any] = {"dag_run_id": "engineers", "logical_date": None, "conf": {}}
    assert page.ask("POST", "/api/v2/dags/report_weekly/dagRuns", run_of, token)[0] == 200
    user = {"username": "x", "password": "x" * 12, "email": "x@mcu.invalid", "first_name": "x", "last_name": "x"}
    assert page.refusal("POST", "/auth/fab/v1/users", user, token) == 403
    assert page.ask("GET", "/auth/fab/v1/users", token=page.token("admin"))[1]["total_entries"] == 3


def test_a_run_with_a_deadline_can_be_cleared(page: Page) -> None:
    token, dag = page.token("engineer"), "/api/v2/dags/report_weekly"
    run_of: dict[str, Any] = {"dag_run_id": "cleared", "logical_date": None, "conf": {}}
    page.ask("POST", f"{dag}/dagRuns", run_of, token)
    page.ask("PATCH", f"{dag}/dagRuns/cleared", {"state": "failed"}, token)
    clear = {"dry_run": False, "dag_run_id": "cleared", "only_failed": False}
    cleared = page.ask("POST", f"{dag}/clearTaskInstances", clear, token)[1]["task_instances"]
    assert {task["task_id"] for task in cleared} == {"wait_for_marts", "deliver"}
    (deadline,) = page.ask("GET", "/ui/dags/report_weekly/dagRuns/cleared/deadlines", token=token)[1]["deadlines"]
    assert deadline["deadline_time"]


def test_no_secret_can_be_read_in_the_configuration(page: Page) -> None:
    assert page.refusal("GET", "/api/v2/config", token=page.token("admin")) == 403
