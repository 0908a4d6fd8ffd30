"""The models without dbt's start-up: dbt compiles them once, then their SQL builds the same relations anew."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import dbt, marts


@dataclass(frozen=True)
class CompiledModels:
    """The models in the order in which they depend on each other: kind, relation, query. `full`, `delta`: by mode."""

    full: list[tuple[str, str, str]]
    delta: list[tuple[str, str, str]]

    @classmethod
    def compile(cls, dsn: str, settings: Settings, target: Path) -> CompiledModels:
        """Load the seeds into the warehouse and let dbt compile the models in both modes."""
        outcome = dbt.build(dsn, settings, ("path:seeds",), target)
        assert outcome.returncode == 0, outcome.failures
        return cls(*(_compiled(dsn, settings, dbt.folder(target, is_delta), is_delta) for is_delta in (False, True)))

    def build(self, connection: Connection, settings: Settings, *, full_refresh: bool = False) -> marts.Build:
        """Build the marts aside, as a delta where that is allowed, and publish them."""
        build = marts.begin(connection, "compiled", settings.sources, "compiled", full_refresh)
        self._run(connection, build)
        if build.is_delta and marts.is_first_day_moved(connection):
            build = marts.make_full(connection, build.build_id, "the first day of a source moved")
            self._run(connection, build)
        marts.publish(connection, build.build_id)
        return build

    def _run(self, connection: Connection, build: marts.Build) -> None:
        models = self.delta if build.is_delta else self.full
        with connection, connection.cursor() as cursor:
            for schema in {relation.split(".")[0].strip('"') for _, relation, _ in models}:
                cursor.execute(f"create schema if not exists {schema}")
            for kind, relation, _ in reversed(models):
                cursor.execute(f"drop {kind} if exists {relation} cascade")
            for kind, relation, query in models:
                cursor.execute(f"create {kind} {relation} as {query}")


def _compiled(dsn: str, settings: Settings, target: Path, is_delta: bool) -> list[tuple[str, str, str]]:
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "compile", *dbt.flags(settings, target, is_delta)],
        env=dbt.environment(dsn),
        check=True,
        capture_output=True,
    )
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter({name: node["depends_on"]["nodes"] for name, node in models.items()}).static_order()
    return [
        (
            models[name]["config"]["materialized"],
            models[name]["relation_name"].split(".", 1)[1],
            models[name]["compiled_code"],
        )
        for name in order
        if name in models
    ]
