"""A report: views of `bi` → the files of its editions in the archive. Not to whom it went: that is a person."""

from __future__ import annotations

from openlineage.client.event_v2 import InputDataset, OutputDataset

from mcu.lineage.names import FILES, Flow, Warehouse
from mcu.reports.archive import PAGE, Archive
from mcu.reports.period import Period
from mcu.reports.query import views_of


def flow(warehouse: Warehouse, archive: Archive, period: Period) -> Flow:
    """All editions of a period that the archive holds."""
    files = [path for edition in archive.of_period(period) for path in (edition.folder / PAGE, *edition.files)]
    return Flow(
        [InputDataset(warehouse.namespace, warehouse.table("bi", view)) for view in views_of(period.report)],
        [OutputDataset(FILES, str(path.resolve())) for path in files],
    )
