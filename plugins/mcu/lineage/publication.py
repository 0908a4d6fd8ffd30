"""The swap of the marts: what was built aside → what readers see, each column of itself."""

from __future__ import annotations

from collections.abc import Sequence

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import column_lineage_dataset as columns_of
from psycopg2.extensions import connection as Connection

from mcu.lineage import catalogue
from mcu.lineage.names import Flow, Warehouse

# Schema of readers → schema in which it is built.
BUILT_IN = {"bi": "marts_build", "marts": "marts_build", "pii": "pii_build"}


def flow(connection: Connection, warehouse: Warehouse) -> Flow:
    """What the newest published build put where readers look."""
    found = catalogue.columns(connection).items()
    published = {(schema, name): columns for (schema, name), columns in found if schema in BUILT_IN}
    built = {warehouse.table(BUILT_IN[schema], name) for schema, name in published}
    return Flow(
        [InputDataset(warehouse.namespace, name) for name in sorted(built)],
        [_output(warehouse, schema, name, columns) for (schema, name), columns in published.items()],
    )


def _output(warehouse: Warehouse, schema: str, name: str, columns: Sequence[str]) -> OutputDataset:
    origin = warehouse.table(BUILT_IN[schema], name)
    fields = {
        column: columns_of.Fields(
            inputFields=[columns_of.InputField(namespace=warehouse.namespace, name=origin, field=column)]
        )
        for column in columns
    }
    facet = columns_of.ColumnLineageDatasetFacet(fields=fields)
    return OutputDataset(warehouse.namespace, warehouse.table(schema, name), facets={"columnLineage": facet})
