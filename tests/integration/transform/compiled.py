"""The models without dbt's start-up: dbt builds them once, then their compiled SQL refills the same tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import dbt


@dataclass(frozen=True)
class CompiledModels:
    """The tables in the order in which they depend on each other, each with the query that fills it."""

    queries: dict[str, str]

    @classmethod
    def build(cls, dsn: str, settings: Settings, select: tuple[str, ...], target: Path) -> CompiledModels:
        """Run `dbt build` over the warehouse and keep what it compiled."""
        outcome = dbt.build(dsn, settings, select, target)
        assert outcome.returncode == 0, outcome.failures
        nodes = json.loads((target / "manifest.json").read_text())["nodes"]
        tables = {
            name: node for name, node in nodes.items() if node["resource_type"] == "model" and node.get("compiled_code")
        }
        order = TopologicalSorter({name: node["depends_on"]["nodes"] for name, node in tables.items()}).static_order()
        return cls(
            {
                tables[name]["relation_name"]: tables[name]["compiled_code"]
                for name in order
                if name in tables and tables[name]["config"]["materialized"] == "table"
            }
        )

    def refill(self, connection: Connection) -> None:
        """Fill all tables anew from `raw`."""
        with connection, connection.cursor() as cursor:
            for table, query in self.queries.items():
                cursor.execute(f"truncate {table}")
                cursor.execute(f"insert into {table} {query}")
