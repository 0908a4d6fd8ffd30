"""The loads of one run: files of the inbox → raw and quarantine, with counts and what the gate said of each file."""

from __future__ import annotations

from collections.abc import Iterator

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality
from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics
from psycopg2.extensions import connection as Connection

from mcu.landing.schema import TABLES
from mcu.lineage.names import Flow, Warehouse, export

LOADS = """
    select load_id, uri, rows_new + rows_changed as rows_written, rows_quarantined, replay_of is not null as is_replay
    from ops.load
    where run_id = %s and source = %s and status = 'published'
    order by load_id
"""

# No value that was seen: it can be of a person.
CHECKS = """
    select expectation, column_name, severity, sentence, is_passed, rows_failed
    from ops.validation_result
    where load_id = %s
    order by result_id
"""


def flow(connection: Connection, warehouse: Warehouse, inbox: str, source: str, run_id: str) -> Flow:
    """What the run `run_id` of ops.load published of one source; nothing if it published nothing."""
    with connection.cursor() as cursor:
        cursor.execute(LOADS, (run_id, source))
        loads = cursor.fetchall()
    if not loads:
        return Flow()
    files = [
        InputDataset(*export(inbox, uri), inputFacets=dict(_checks(connection, load_id)))
        for load_id, uri, _, _, is_replay in loads
        if not is_replay
    ]
    quarantine = warehouse.table("ops", "quarantine")
    replayed = [InputDataset(warehouse.namespace, quarantine)] if any(load[4] for load in loads) else []
    rows = {
        warehouse.table("raw", TABLES[source]): sum(load[2] for load in loads),
        quarantine: sum(load[3] for load in loads),
    }
    return Flow(
        [*files, *replayed],
        [
            OutputDataset(warehouse.namespace, name, outputFacets={"outputStatistics": _rows(count)})
            for name, count in rows.items()
        ],
    )


def _rows(count: int) -> statistics.OutputStatisticsOutputDatasetFacet:
    return statistics.OutputStatisticsOutputDatasetFacet(rowCount=int(count))


def _checks(connection: Connection, load_id: int) -> Iterator[tuple[str, quality.DataQualityAssertionsDatasetFacet]]:
    with connection.cursor() as cursor:
        cursor.execute(CHECKS, (load_id,))
        assertions = [
            quality.Assertion(
                assertion=expectation,
                success=is_passed,
                column=column,
                severity="error" if severity == "critical" else "warn",
                description=sentence,
                actual=None if failed is None else str(failed),
            )
            for expectation, column, severity, sentence, is_passed, failed in cursor.fetchall()
        ]
    if assertions:
        yield "dataQualityAssertions", quality.DataQualityAssertionsDatasetFacet(assertions=assertions)
