"""The files of scale/: what a worker elsewhere must be told, which queues Kubernetes serves, and no secret in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dags.test_dags import QUEUES

ROOT = Path(__file__).parents[2]
SCALE = ROOT / "scale"
WORKERS = (SCALE / "workers" / "docker-compose.yml").read_text(encoding="utf-8")
MAIN_HOST: dict[str, Any] = yaml.safe_load((SCALE / "workers" / "main-host.yml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((SCALE / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))
# What stands before @ in an address, or behind a name that tells of a secret; the name of a secret may.
LITERAL_SECRET = re.compile(r"://[^/\s]*:[^/\s]*@|(?i:password|passwd|token)\w*\s*:\s*\S")


def test_workers_elsewhere_need_three_variables() -> None:
    assert set(re.findall(r"\$\{(\w+):\?", WORKERS)) == {"MAIN_HOST", "WORKER_QUEUES", "SHARED_FOLDER"}


def test_workers_elsewhere_know_the_main_host_by_the_names_of_its_services() -> None:
    named = set(re.findall(r"- ([\w-]+):\$\{MAIN_HOST", WORKERS))
    settings = "\n".join(str(value) for value in COMPOSE["services"]["worker"]["environment"].values())
    settings += (ROOT / "docker" / "make_secrets.py").read_text(encoding="utf-8")
    services = [name for name, service in COMPOSE["services"].items() if "profiles" not in service]
    reached = {name for name in services if re.search(rf"(@|//){name}[:/]", settings)}
    assert named == reached
    assert named == set(MAIN_HOST["services"])


def test_workers_elsewhere_see_the_folders_of_the_main_host_or_do_not_start() -> None:
    volumes = yaml.load(WORKERS.replace("!reset", ""), yaml.SafeLoader)["services"]["worker"]["volumes"]
    mounted = set(re.findall(r":(/opt[\w/]+)", str(COMPOSE["x-airflow"]["volumes"])))
    assert {volume["target"] for volume in volumes} == mounted
    assert all(volume["bind"] == {"create_host_path": False} for volume in volumes)
    shared = {volume["target"].rpartition("/")[2] for volume in volumes if "SHARED_FOLDER" in volume["source"]}
    assert shared == set(MAIN_HOST["volumes"])


def test_the_main_host_opens_its_ports_in_one_network_alone() -> None:
    ports = [port for service in MAIN_HOST["services"].values() for port in service["ports"]]
    assert all(str(port).startswith("${MAIN_HOST") for port in ports)


def test_kubernetes_has_workers_for_every_queue() -> None:
    celery = VALUES["workers"]["celery"]
    sets = [one["queue"] for one in celery["sets"]]
    assert sorted([celery["queue"], *sets]) == sorted(QUEUES)
    assert all(one["keda"]["enabled"] for one in (celery, *celery["sets"]))


def test_no_secret_stands_in_a_file_of_scale() -> None:
    for path in SCALE.rglob("*.y*ml"):
        text = "\n".join(line.split("  #")[0] for line in path.read_text(encoding="utf-8").splitlines())
        assert not LITERAL_SECRET.search(text), path


@pytest.mark.parametrize("text", ["connection: redis://:abc@redis:6379/0", "db_password: abc", "apiToken: abc"])
def test_a_secret_is_seen(text: str) -> None:
    assert LITERAL_SECRET.search(text)
