"""The swap of the marts: what was built aside → what readers see, each column of itself."""

from __future__ import annotations

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import column_lineage_dataset as columns_of
from psycopg2.extensions import connection as Connection

from mcu.lineage.names import Flow, Warehouse

# Schema of readers → schema in which it is built.
BUILT_IN = {"bi": "marts_build", "marts": "marts_build", "pii": "pii_build"}

PUBLISHED = """
    select relnamespace::regnamespace::text, relname, array_agg(attname order by attnum)
    from pg_class
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relnamespace::regnamespace::text = any(%s) and relkind in ('r', 'v')
    group by 1, 2
    order by 1, 2
"""


def flow(connection: Connection, warehouse: Warehouse) -> Flow:
    """What the newest published build put where readers look."""
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, ([*BUILT_IN],))
        published = cursor.fetchall()
    built = {warehouse.table(BUILT_IN[schema], name) for schema, name, _ in published}
    return Flow(
        [InputDataset(warehouse.namespace, name) for name in sorted(built)],
        [_output(warehouse, schema, name, columns) for schema, name, columns in published],
    )


def _output(warehouse: Warehouse, schema: str, name: str, columns: list[str]) -> OutputDataset:
    origin = warehouse.table(BUILT_IN[schema], name)
    fields = {
        column: columns_of.Fields(
            inputFields=[columns_of.InputField(namespace=warehouse.namespace, name=origin, field=column)]
        )
        for column in columns
    }
    facet = columns_of.ColumnLineageDatasetFacet(fields=fields)
    return OutputDataset(warehouse.namespace, warehouse.table(schema, name), facets={"columnLineage": facet})
