"""Names of datasets. A step's output is the next one's input only if both spell it alike, so they are made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, OutputDataset
from psycopg2.extensions import parse_dsn

FILES = "file"


@dataclass(frozen=True)
class Flow:
    """What a step read and what it wrote."""

    inputs: Sequence[InputDataset] = field(default_factory=list)
    outputs: Sequence[OutputDataset] = field(default_factory=list)


@dataclass(frozen=True)
class Warehouse:
    """The warehouse as a place of datasets: where its server listens, no user and no password."""

    host: str
    port: int
    database: str

    @classmethod
    def of(cls, dsn: str) -> Warehouse:
        parts = parse_dsn(dsn)
        return cls(parts.get("host", "localhost"), int(parts.get("port", 5432)), parts.get("dbname", ""))

    @property
    def namespace(self) -> str:
        """As openlineage.common.provider.dbt makes it."""
        return f"postgres://{self.host}:{self.port}"

    def table(self, schema: str, name: str) -> str:
        """The name of a table or view."""
        return f"{self.database}.{schema}.{name}"


def export(inbox: str, uri: str) -> tuple[str, str]:
    """Namespace and name of a file of the inbox; of a connection its id alone is shown."""
    if "://" not in inbox:
        return FILES, str(Path(inbox).expanduser().resolve() / uri)
    parts = urlsplit(inbox)
    connection_id, _, bucket = parts.netloc.rpartition("@")
    place = f"{parts.path}/{uri}"
    return (f"s3://{bucket}", place.strip("/")) if parts.scheme == "s3" else (f"sftp://{connection_id}", place)
