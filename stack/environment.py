"""The environment of every process of the stack: Airflow, dbt and Great Expectations are set by it alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stack.paths import REPOSITORY
from stack.postgres import libpq_environment
from stack.secret import secret, write_secret

PSEUDONYM_SECRET = "MCU_PSEUDONYM_SECRET"
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SENDER = "mcu@mcu.example"

NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "AIRFLOW__METRICS__OTEL_ON": "False",
    "AIRFLOW__METRICS__LEGACY_NAMES_ON": "False",  # each metric once, the DAG in its tags and not in its name
    "AIRFLOW__TRACES__OTEL_ON": "False",
    "AIRFLOW__OPENLINEAGE__DISABLED": "True",
}

AIRFLOW = {
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
}

# Where lineage events go if they go at all: MCU_LINEAGE says whether, and where to. Of the DAGs that carry data, less
# the waiting of the reports, which would tell of itself every minute.
DAGS_OF_DATA = "extract_.*|backfill_exports|replay_quarantine|build_marts|report_.*"
LINEAGE = {
    "AIRFLOW__OPENLINEAGE__TRANSPORT": '{"type": "mcu.lineage.transport.WithoutPersons"}',
    "AIRFLOW__OPENLINEAGE__NAMESPACE": "mcu",
    "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": "60",  # seconds; the default of 10 is short for the events of a layer
    "AIRFLOW__OPENLINEAGE__EMISSION_POLICY": json.dumps(
        [
            {"scope": {}, "controls": {"emit": False}},
            {"scope": {"dag_id": DAGS_OF_DATA}, "match_mode": "regex", "controls": {"emit": True}},
            {
                "scope": {"dag_id": "report_.*", "task_id": "wait_for_marts"},
                "match_mode": "regex",
                "controls": {"emit": False},
            },
        ]
    ),
}


@dataclass(frozen=True)
class Ports:
    """Where the services listen, all on 127.0.0.1."""

    postgres: int
    airflow: int
    smtp: int
    mail_page: int


def service_environment(
    state: Path, ports: Ports, metadata_dsn: str, warehouse_dsn: str, inbox: Path
) -> dict[str, str]:
    """All variables that the stack sets, in the form of `os.environ`. `metadata_dsn`: of Airflow's own database."""
    secrets_folder = state / "secrets"
    airflow_url = f"http://127.0.0.1:{ports.airflow}"
    return {
        **NO_TELEMETRY,
        **AIRFLOW,
        **metrics_and_lineage(),
        "MCU_ARCHIVE": str(archive_folder(state, warehouse_dsn)),
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith("MCU_") and name != PSEUDONYM_SECRET  # the warehouse has it, no task needs it
        },
        "MCU_STATE": str(state),
        "MCU_INBOX": str(inbox),
        "WAREHOUSE_DSN": warehouse_dsn,
        "AIRFLOW_HOME": str(state / "airflow"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_dsn.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow_url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_file(secrets_folder)),
        "AIRFLOW__CORE__FERNET_KEY": secret(secrets_folder / "fernet") + "=",  # base64 of 32 bytes, padded
        "AIRFLOW__API__PORT": str(ports.airflow),
        "AIRFLOW__API__BASE_URL": airflow_url,
        "AIRFLOW__API__SECRET_KEY": secret(secrets_folder / "api"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret(secrets_folder / "jwt"),
        "AIRFLOW_CONN_WAREHOUSE": warehouse_dsn,
        "AIRFLOW_CONN_SMTP_DEFAULT": (
            f"smtp://127.0.0.1:{ports.smtp}/?disable_tls=true&disable_ssl=true&from_email={quote(SENDER)}"
        ),
        "SENDRIA_CONFIG_DIR": str(state / "mail"),
        "MPLCONFIGDIR": str(state / "cache" / "matplotlib"),
        "XDG_CACHE_HOME": str(state / "cache"),
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def metrics_and_lineage() -> dict[str, str]:
    """Airflow's metrics and lineage events go to the receivers that the user names, and nowhere if none is named."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    return {
        **ours,
        **LINEAGE,
        "AIRFLOW__METRICS__OTEL_ON": str(bool(ours.get(OTLP_ENDPOINT))),
        "AIRFLOW__OPENLINEAGE__DISABLED": str(not os.environ.get("MCU_LINEAGE")),
    }


def archive_folder(state: Path, warehouse_dsn: str) -> Path:
    """Of the reports of one warehouse: the user's own folder, else one beside those of other warehouses."""
    own = os.environ.get("MCU_ARCHIVE")
    return Path(own) if own else state / "archive" / libpq_environment(warehouse_dsn)["PGDATABASE"]


def process_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What a process gets: `ours` over the caller's, less what would steer our tools from outside, and the secret."""
    foreign = ("AIRFLOW", "DBT_", "OPENLINEAGE", "OTEL_", "PYTHON", "PG", "VIRTUAL_ENV", PSEUDONYM_SECRET)
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | dict(ours)


def pseudonym_secret(state: Path, is_kept: bool) -> str | None:
    """Of the pseudonyms of persons: the user's own, else a generated one. Only the set-up of the schema is given it.

    `is_kept`: the warehouse has its key already, of another stack if it was restored, and needs no generated one.
    """
    generated = None if is_kept else secret(state / "secrets" / "pseudonym")
    return os.environ.get(PSEUDONYM_SECRET) or generated


def admin_password(state: Path) -> str:
    """Of the user `admin` of Airflow's web page and API."""
    return secret(state / "secrets" / "airflow_admin")


def _passwords_file(secrets_folder: Path) -> Path:
    path = secrets_folder / "airflow_passwords.json"
    if not path.exists():
        write_secret(path, json.dumps({"admin": admin_password(secrets_folder.parent)}))
    return path
