"""Quarantined rows once more: read by the column map of today, asked by the suite of today, as of their own export."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from mcu.landing import ledger, stage
from mcu.landing.load import connect
from mcu.landing.publish import publish
from mcu.quality import gate, suites
from mcu.quality.gate import Gate
from mcu.settings import Settings
from mcu.sources import columns
from mcu.sources.row_reader import Row, reread

log = logging.getLogger(__name__)


@dataclass
class Replayed:
    """What one replay did: rows that are in `raw` now, and rows that stay in quarantine."""

    brought_back: int = 0
    left: int = 0


@dataclass(frozen=True)
class _Load:
    """A published load that still has rows in quarantine."""

    load_id: int
    uri: str
    exported_at: dt.datetime


def replay(dsn: str, source: str, settings: Settings, run_id: str) -> Replayed:
    """Bring back every quarantined row of `source` that is sound by the rules of today, oldest export first.

    What comes back ends as if the rules had been those of today when its file was loaded. A load that gives rows back
    is followed by one of its own in the ledger, `replay_of` it; the others leave no trace, so that another replay
    changes nothing. Raises psycopg2.OperationalError when the warehouse is gone: what is back by then stays.
    """
    done = Replayed()
    with closing(connect(dsn)) as connection, ledger.only_run(connection, source):
        loads = _loads(connection, source)
        rows_gate = Gate(dsn) if loads else None
        for number, load in enumerate(loads, 1):
            assert rows_gate
            rows, back = _replay_load(connection, source, settings, run_id, load, rows_gate)
            done.brought_back += back
            done.left += rows - back
            log.info("%d/%d %s: %d of %d rows are back", number, len(loads), load.uri, back, rows)
    return done


def _loads(connection: Connection, source: str) -> list[_Load]:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select load_id, uri, exported_at
            from ops.load
            where load_id in (
                select load_id from ops.quarantine where source = %s and replayed_by_load_id is null
            )
            order by exported_at, load_id
            """,
            (source,),
        )
        return [_Load(*row) for row in cursor.fetchall()]


def _replay_load(
    connection: Connection, source: str, settings: Settings, run_id: str, load: _Load, rows_gate: Gate
) -> tuple[int, int]:
    """How many rows the load had in quarantine, and how many of them are back."""
    load_id = ledger.start_replay(connection, source, load.load_id, run_id)
    rows = _rows(connection, source, load.load_id)
    lines = (stage.new_line(row, created_on=day) for row, day in rows)
    stage.create(connection, source, load_id, lines, load.exported_at, settings.timezone)
    outcomes = rows_gate.validate(
        suites.path(source), stage.query(source, load_id), f"{load.uri} (карантин)", index=("row_number",)
    )
    faults = gate.row_faults(outcomes)
    for row_number, reasons in faults.items():
        log.info("%s, row %d stays in quarantine: %s", load.uri, row_number, "; ".join(reasons))
    if len(faults) == len(rows):
        ledger.forget(connection, load_id)
        return len(rows), 0
    with connection, connection.cursor() as cursor:
        stage.leave_out(cursor, source, load_id, list(faults))
        ledger.note_days(cursor, load_id, Counter(day for row, day in rows if row.row_number not in faults))
        back = publish(cursor, source, load_id, load.exported_at, {}).read
        cursor.execute(
            "update ops.quarantine set replayed_by_load_id = %s "
            "where load_id = %s and replayed_by_load_id is null and row_number <> all (%s::bigint[])",
            (load_id, load.load_id, list(faults)),
        )
        gate.record(connection, outcomes, load_id)
    return len(rows), back


def _rows(connection: Connection, source: str, load_id: int) -> list[tuple[Row, dt.date | None]]:
    """The rows of a load that are still in quarantine, as they are read today, with their day of creation."""
    column_map = columns.load(source)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select row_number, payload from ops.quarantine "
            "where load_id = %s and replayed_by_load_id is null order by row_number",
            (load_id,),
        )
        return [reread(column_map, row_number, payload) for row_number, payload in cursor.fetchall()]
