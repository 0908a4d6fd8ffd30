"""Airflow's REST API, as far as the main job needs it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stack.paths import StackError

USER = "admin"
FINISHED = ("success", "failed")


@dataclass(frozen=True)
class FailedTask:
    """A task that failed in a run. `log`: its newest log file, None if it wrote none; `error`: the last error in it."""

    dag_id: str
    task_id: str
    log: Path | None
    error: str


@dataclass
class Airflow:
    """A client of the API at `url` (http://host:port). Every call raises StackError with the API's own words."""

    url: str
    password: str
    home: Path
    _token: str | None = field(default=None, init=False)

    def parsed_at(self, dag_id: str) -> datetime | None:
        """When the DAG was last parsed, None if it is not known (yet)."""
        dags = self._call("GET", f"/api/v2/dags?dag_id_pattern={quote(dag_id)}&limit=100")["dags"]
        moments = [dag["last_parsed_time"] for dag in dags if dag["dag_id"] == dag_id and not dag["is_stale"]]
        return datetime.fromisoformat(moments[0]) if moments and moments[0] else None

    def import_errors(self) -> list[str]:
        """Of DAG files, one text a file: its name and the last line of the error."""
        found = self._call("GET", "/api/v2/importErrors?limit=100")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, str] | None = None) -> None:
        """Queue a run; it starts when the DAG is not paused."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def run_state(self, dag_id: str, run_id: str) -> str:
        """queued, running, success or failed."""
        return str(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def last_run_if_failed(self, dag_id: str, since: datetime) -> str | None:
        """The id of the DAG's newest run, if it was made since and failed."""
        query = f"run_after_gte={quote(since.isoformat())}&order_by=-run_after&limit=1"
        runs = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?{query}")["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs and runs[0]["state"] == "failed" else None

    def active_runs(self, dag_id: str) -> int:
        """How many runs of the DAG are queued or running."""
        query = "state=queued&state=running"
        return int(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?{query}")["total_entries"])

    def fail_cut_off_runs(self, before: datetime) -> None:
        """Close the runs of the tasks that run since before the scheduler was started: nothing would ever end them.

        Airflow begins those tasks anew whose scheduler it knows to be gone, but not one that was killed just now.
        """
        query = f"state=running&start_date_lt={quote(before.isoformat())}&limit=100"
        instances = self._call("GET", f"/api/v2/dags/~/dagRuns/~/taskInstances?{query}")["task_instances"]
        for dag_id, run_id in {(instance["dag_id"], instance["dag_run_id"]) for instance in instances}:
            self._call("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}", {"state": "failed"})

    def failed_tasks(self, dag_id: str, run_id: str) -> list[FailedTask]:
        """The tasks of the run that failed by themselves, not for another's failure."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?state=failed&limit=100"
        return [self._failed_task(instance) for instance in self._call("GET", path)["task_instances"]]

    def _failed_task(self, instance: Mapping[str, Any]) -> FailedTask:
        dag_id, run_id, task_id = instance["dag_id"], instance["dag_run_id"], instance["task_id"]
        folder = self.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        logs = sorted(folder.rglob("*.log"), key=lambda path: path.stat().st_mtime)
        return FailedTask(
            dag_id, task_id, logs[-1] if logs else None, last_error(logs[-1]) if logs else "no log was written"
        )

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        if self._token is None:
            login = {"username": USER, "password": self.password}
            self._token = self._request("POST", "/auth/token", login, {})["access_token"]
        return self._request(method, path, body, {"Authorization": f"Bearer {self._token}"})

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise StackError(f"Airflow refuses {method} {path}: {error.code} {error.read().decode()[:500]}") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise StackError(f"Airflow does not answer at {self.url}: {error}") from error


def last_error(log: Path) -> str:
    """The last error of a task's log (JSON lines), with the exception that caused it; «no error in the log» if none."""
    found = "no error in the log"
    for line in log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
            causes = [f"{cause['exc_type']}: {cause['exc_value']}" for cause in entry.get("error_detail") or []]
            found = causes[0] if causes else str(entry.get("event"))
    return found
