"""dbt over one layer of the project, with each node's result kept in `ops.dbt_result`.

One `dbt build` a layer, not one a model: each call costs seconds of start-up.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn
from psycopg2.extras import execute_values

from mcu.settings import PROJECT, Settings

log = logging.getLogger(__name__)

DBT_PROJECT = PROJECT / "dbt_project"
LANDING = Path(__file__).parents[1] / "landing"

# Layers in the order in which they are built: name → what `dbt build --select` takes.
LAYERS: dict[str, tuple[str, ...]] = {
    "staging": ("path:seeds", "path:models/staging"),
    "intermediate": ("path:models/intermediate", "path:models/marts/state"),
    "core": ("path:models/marts/core", "path:models/pii"),
    "reports": ("path:models/marts/reports",),
}


LOST_WAREHOUSE = re.compile(
    "could not connect|connection to server|server closed the connection|terminating connection|SSL connection"
)

# What dbt has to know of a libpq DSN: its keyword → the variable that libpq reads.
LIBPQ_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
}


@dataclass(frozen=True)
class DbtBuild:
    """Outcome of one `dbt build`: exit code, folder of its artefacts and, if it came that far, dbt's run_results."""

    returncode: int
    run_results: dict[str, Any]
    target: Path

    @property
    def failures(self) -> list[str]:
        """A line a node that failed: its id and dbt's message."""
        return [
            f"{result['unique_id']}: {result['message']}"
            for result in self.run_results.get("results", [])
            if result["status"] in ("error", "fail", "runtime error")
        ]

    @property
    def is_transport_fault(self) -> bool:
        """Whether another try may help: dbt came to no result, or lost the warehouse on the way."""
        return self.returncode != 0 and (not self.failures or any(map(LOST_WAREHOUSE.search, self.failures)))


def build(dsn: str, settings: Settings, select: tuple[str, ...], target: Path, *, is_delta: bool = False) -> DbtBuild:
    """Run `dbt build` for `select` in the warehouse `dsn`; its output goes to the log line by line.

    `target`: folder of dbt's artefacts, one a warehouse. `is_delta`: only what new loads can have changed; seeds are as
    they were then. Does not raise when a node fails: see `failures`.
    """
    target = folder(target, is_delta)
    results_file = target / "run_results.json"
    results_file.unlink(missing_ok=True)
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "build"]
    command += ["--exclude-resource-type", "unit_test", "--indirect-selection", "buildable"]
    command += [*flags(settings, target, is_delta), "--select", *select]
    if is_delta:
        command += ["--exclude", "path:seeds"]
    with subprocess.Popen(
        command, env=environment(dsn), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.info(line.rstrip())
    run_results = json.loads(results_file.read_text()) if results_file.exists() else {}
    return DbtBuild(process.returncode, run_results, target)


def variables(settings: Settings) -> dict[str, object]:
    """The settings that models read."""
    return {
        "region_timezone": settings.timezone.key,
        "region_name": settings.region,
        "enabled_sources": list(settings.sources),
    }


def fingerprint(settings: Settings) -> str:
    """Digest of all that decides what the marts hold beside the loads: models, macros, seeds and settings."""
    digest = hashlib.sha256(json.dumps(variables(settings)).encode())
    for folder in ("macros", "models", "seeds"):
        for path in sorted((DBT_PROJECT / folder).rglob("*.*")):
            digest.update(f"{path.relative_to(DBT_PROJECT)}\0".encode() + path.read_bytes())
    for path in (DBT_PROJECT / "dbt_project.yml", *sorted(LANDING.glob("*.sql"))):  # the functions that models call
        digest.update(path.read_bytes())
    return digest.hexdigest()


def folder(target: Path, is_delta: bool) -> Path:
    """Where dbt keeps what it parsed: a delta is other SQL, and parsing all of it anew takes seconds."""
    return target / "delta" if is_delta else target


def flags(settings: Settings, target: Path, is_delta: bool = False) -> list[str]:
    """Flags that every dbt command over this project takes."""
    vars_ = json.dumps({**variables(settings), "is_delta": is_delta})
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return [*folders, "--target-path", str(target), "--log-path", str(target), "--vars", vars_]


def environment(dsn: str) -> dict[str, str]:
    """The process environment with the warehouse `dsn` as libpq variables, which dbt's profile and libpq read."""
    return {
        **os.environ,
        **{LIBPQ_VARIABLES[keyword]: str(value) for keyword, value in parse_dsn(dsn).items()},
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def record(connection: Connection, build_id: int, outcome: DbtBuild) -> None:
    """Write each node's result to `ops.dbt_result`, in the caller's transaction."""
    if not outcome.run_results:
        return
    invocation_id = outcome.run_results["metadata"]["invocation_id"]
    rows = [
        (
            build_id,
            invocation_id,
            result["unique_id"],
            result["unique_id"].split(".", 1)[0],
            result["status"],
            result["adapter_response"].get("rows_affected"),
            result["failures"],
            result["execution_time"],
            result["message"],
        )
        for result in outcome.run_results["results"]
    ]
    with connection.cursor() as cursor:
        execute_values(
            cursor,
            """
            insert into ops.dbt_result (
                build_id, invocation_id, node_id, resource_type, status,
                rows_affected, failures, execution_seconds, message
            ) values %s
            """,
            rows,
        )
