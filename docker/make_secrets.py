"""Makes the secrets of an installation: `make_secrets.py FOLDER`, at every start. A file each, so that none stands in
the environment of a service that `docker inspect` shows. What is there stays; what this one's own environment has by
the same name is taken.
"""

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

MADE = (
    "postgres_password",
    "airflow_db_password",
    "warehouse_db_password",
    "bi_reader_password",
    "redis_password",
    "airflow_admin_password",
    "airflow_engineer_password",
    "airflow_viewer_password",
    "airflow_api_secret",
    "airflow_jwt_secret",
    "airflow_fernet_key",
    "mcu_pseudonym_secret",
)
CONNECTIONS = "connections.env"


def make(folder: Path, environment: Mapping[str, str]) -> None:
    """Write every secret that is missing, then what is made of them: the URLs, and Airflow's connection `warehouse`."""
    for name in MADE:
        if not (folder / name).exists():
            _write(folder / name, environment.get(name.upper()) or fresh(name))
    for name, url in urls(folder, environment).items():
        _write(folder / name, url)
    _write(folder / CONNECTIONS, connections(folder))


def fresh(name: str) -> str:
    """256 random bits: a Fernet key in its own form, the others as hex digits."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() if "fernet" in name else secrets.token_hex(32)


def urls(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Name of the file → URL with its password. A WAREHOUSE_DSN of the environment is the warehouse, wherever it is."""

    def password(name: str) -> str:
        return quote((folder / name).read_text().strip(), safe="")  # an editor ends a file with a newline

    warehouse = f"postgresql://warehouse:{password('warehouse_db_password')}@postgres/warehouse"
    return {
        "airflow_database_url": f"postgresql+psycopg2://airflow:{password('airflow_db_password')}@postgres/airflow",
        "celery_broker_url": f"redis://:{password('redis_password')}@redis:6379/0",
        "warehouse_dsn": environment.get("WAREHOUSE_DSN") or warehouse,
    }


def connections(folder: Path) -> str:
    """The file of Airflow's connections: the line of the warehouse is made anew, all others stay."""
    file = folder / CONNECTIONS
    lines = file.read_text().splitlines() if file.exists() else []
    others = [line for line in lines if not line.startswith("warehouse=")]
    return "\n".join([f"warehouse={(folder / 'warehouse_dsn').read_text()}", *others, ""])


def _write(file: Path, content: str) -> None:
    aside = file.with_name(f"{file.name}.new")
    aside.write_text(content)
    aside.replace(file)


if __name__ == "__main__":
    make(Path(sys.argv[1]), os.environ)
