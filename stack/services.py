"""The services of the local stack: what they are, when they are well, starting and stopping all of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from stack.environment import Ports, process_environment
from stack.paths import REPOSITORY, StackError
from stack.process import Background, stop_all

START_SECONDS = 120


@dataclass(frozen=True)
class Service:
    """A service: the arguments of its Python process and a question that is true when it is well."""

    name: str
    arguments: tuple[str, ...]
    is_well: Callable[[], bool]


def services(state: Path, ports: Ports) -> list[Service]:
    """All but PostgreSQL, in the order of their start."""
    airflow = ("-P", "-m", "airflow")
    return [
        Service("mail", _mail_catcher(state, ports), lambda: _get_json(ports.mail_page, "/api/messages/") is not None),
        Service("api-server", (*airflow, "api-server"), lambda: _airflow_part_is_well(ports, "metadatabase")),
        Service("dag-processor", (*airflow, "dag-processor"), lambda: _airflow_part_is_well(ports, "dag_processor")),
        Service(
            "scheduler", (*airflow, "scheduler", "--skip-serve-logs"), lambda: _airflow_part_is_well(ports, "scheduler")
        ),
    ]


def start_services(state: Path, ports: Ports, ours: Mapping[str, str]) -> list[str]:
    """Start what does not run or was started with another environment; returns the names of those.

    Waits for the API alone, see `wait_until_well`. Raises StackError when Airflow's database cannot be prepared.
    """
    env = process_environment(ours)
    fingerprint = hashlib.sha256(json.dumps(dict(ours), sort_keys=True).encode()).hexdigest()
    all_services = services(state, ports)
    stale = [service for service in all_services if not _runs_as(background(state, service.name), fingerprint)]
    stop_all([background(state, service.name) for service in stale])
    if any(service.name != "mail" for service in stale):
        _migrate(state, env)
    for service in stale:
        if service.name == "scheduler":
            # A task that cannot reach the API at its start fails; a restarted scheduler starts tasks at once.
            wait_until_well(state, [one for one in all_services if one.name == "api-server"])
        background(state, service.name).start(service.arguments, env, fingerprint)
    return [service.name for service in stale]


def wait_until_well(state: Path, awaited: Iterable[Service]) -> None:
    """Return when the services are well; raises StackError for one that ends or is not well after 120 s."""
    deadline = time.monotonic() + START_SECONDS
    for service in awaited:
        while not service.is_well():
            check_alive(state)
            if time.monotonic() > deadline:
                log = background(state, service.name).log
                raise StackError(f"{service.name} is not well after {START_SECONDS} s. See {log}")
            time.sleep(0.5)


def check_alive(state: Path) -> None:
    """Raises StackError for a service that ended since it was started."""
    for process in _known(state):
        if process.find() is None:
            raise StackError(f"{process.name} ended. The end of {process.log}:\n{_tail(process.log)}")


def running_services(state: Path) -> Iterator[psutil.Process]:
    """The main process of each service that runs."""
    for process in _known(state):
        if found := process.find():
            yield found


def stop_services(state: Path) -> None:
    """Stop whatever of the services runs."""
    stop_all(_known(state))


def background(state: Path, name: str) -> Background:
    """The background process of the service `name`."""
    return Background(name, state / "run", state / "log" / f"{name}.log")


def _known(state: Path) -> list[Background]:
    return [background(state, pid_file.stem) for pid_file in (state / "run").glob("*.json")]


def _mail_catcher(state: Path, ports: Ports) -> tuple[str, ...]:
    (state / "mail").mkdir(mode=0o700, parents=True, exist_ok=True)
    return (
        "-P", "-m", "sendria", "--foreground", "--no-quit", "--db", str(state / "mail" / "messages.sqlite"),
        "--smtp-ip", "127.0.0.1", "--smtp-port", str(ports.smtp),
        "--http-ip", "127.0.0.1", "--http-port", str(ports.mail_page),
    )  # fmt: skip


def _runs_as(process: Background, fingerprint: str) -> bool:
    return process.find() is not None and process.fingerprint() == fingerprint


def _migrate(state: Path, env: Mapping[str, str]) -> None:
    log = state / "log" / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        command = [sys.executable, "-P", "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=env, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise StackError(f"Airflow cannot prepare its database. The end of {log}:\n{_tail(log)}")


def _airflow_part_is_well(ports: Ports, part: str) -> bool:
    health = _get_json(ports.airflow, "/api/v2/monitor/health")
    return isinstance(health, dict) and health[part]["status"] == "healthy"


def _get_json(port: int, path: str) -> object | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return json.loads(response.read())  # type: ignore[no-any-return]
    except (urllib.error.URLError, TimeoutError, ConnectionError, json.JSONDecodeError):
        return None  # not up yet


def _tail(log: Path, lines: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").strip().split("\n")[-lines:])
