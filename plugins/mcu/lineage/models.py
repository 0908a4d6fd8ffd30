"""The events of one `dbt build`, as OpenLineage's own reader of dbt's artefacts makes them: models with their parents,
columns where it understands the SQL, tests as assertions."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import RunEvent
from openlineage.client.facet_v2 import column_lineage_dataset as columns_of
from openlineage.common.provider.dbt import DbtLocalArtifactProcessor, ParentRunMetadata
from psycopg2.extensions import connection as Connection

from mcu.lineage import catalogue
from mcu.lineage.catalogue import Columns
from mcu.lineage.names import Warehouse

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/dbt"
log = logging.getLogger(__name__)

# As this project writes SQL: what a model reads comes in whole by its first CTEs, and its last one goes out whole.
IMPORT = re.compile(r'select \* from ("[^"]+"\."([^"]+)"\."([^"]+)")')
LAST = re.compile(r"select \* from (\w+)\s*\Z")


def events(
    project: Path,
    target: Path,
    connection: Connection,
    warehouse: Warehouse,
    namespace: str,
    parent: ParentRunMetadata,
) -> Iterator[RunEvent]:
    """Start and end of each model and test of the newest `dbt build` into `target`, as children of `parent`.

    Raises OSError if dbt left no artefacts there.
    """
    artefacts = _Artefacts(project, target, catalogue.columns(connection), warehouse, namespace)
    artefacts.dbt_run_metadata = parent
    found = artefacts.parse()
    yield from (*found.starts, *found.completes, *found.fails)


def spelled_out(sql: str, columns: Columns) -> str:
    """The compiled SQL of a model with the stars of its imports and of its end as columns: the library stops at a star.

    A star over a table that the warehouse does not have stays.
    """

    def of_table(found: re.Match[str]) -> str:
        names = columns.get((found[2], found[3]))
        return f"select {', '.join(names)} from {found[1]}" if names else found[0]

    def of_model(found: re.Match[str]) -> str:
        names = next((names for (_, table), names in columns.items() if table == found[1]), None)
        return f"select {', '.join(names)} from {found[1]}" if names else found[0]

    return LAST.sub(of_model, IMPORT.sub(of_table, sql))


class _Artefacts(DbtLocalArtifactProcessor):  # type: ignore[misc]  # it has no types
    """Reads a target folder. The profile of dbt names variables that only dbt's own process has: not read here."""

    def __init__(self, project: Path, target: Path, columns: Columns, warehouse: Warehouse, namespace: str) -> None:
        super().__init__(
            project_dir=str(project),
            target_path=str(target.resolve()),
            producer=PRODUCER,
            job_namespace=namespace,
            skip_errors=True,
            logger=log,
        )
        self.columns = columns
        self.warehouse = warehouse

    def get_dbt_metadata(self) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any], None]:
        manifest = self.load_metadata(self.manifest_path, list(range(2, 13)), log)
        results = self.load_metadata(self.run_result_path, list(range(2, 7)), log)
        profile = {"type": "postgres", "host": self.warehouse.host, "port": self.warehouse.port}
        return manifest, results, profile, None

    def get_column_lineage(self, namespace: str, compiled_sql: str) -> columns_of.ColumnLineageDatasetFacet | None:
        facet = super().get_column_lineage(namespace, spelled_out(compiled_sql, self.columns))
        if facet is None:
            return None
        for field in facet.fields.values():
            # It takes some CTEs for tables: those have no database.
            field.inputFields = [one for one in field.inputFields if one.name.startswith(f"{self.warehouse.database}.")]
        facet.fields = {name: field for name, field in facet.fields.items() if field.inputFields}
        return facet if facet.fields else None
