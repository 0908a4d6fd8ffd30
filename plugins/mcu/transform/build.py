"""The whole way from `raw` to the published marts: the layers in order for the DAG, or all in one call for tests and
for work without a scheduler."""

from __future__ import annotations

from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from mcu.settings import Settings
from mcu.transform import checks, dbt, marts


class BuildError(Exception):
    """A model, a test or a check failed; the marts are as they were."""


def build_layers(
    dsn: str, connection: Connection, settings: Settings, build_id: int, layers: tuple[str, ...], target: Path
) -> dbt.DbtBuild:
    """Build `layers` as the build demands and keep each node's result in `ops.dbt_result`.

    A delta that turns out to move a source's first day becomes full: then its earlier layers are built anew, too.
    """
    build = marts.get(connection, build_id)
    outcome = _build(dsn, connection, settings, build, layers, target)
    if build.is_delta and outcome.returncode == 0 and "intermediate" in layers and marts.is_first_day_moved(connection):
        build = marts.make_full(connection, build_id, "the first day of a source moved")
        names = [*dbt.LAYERS]
        outcome = _build(dsn, connection, settings, build, tuple(names[: names.index(layers[-1]) + 1]), target)
    return outcome


def _build(
    dsn: str, connection: Connection, settings: Settings, build: marts.Build, layers: tuple[str, ...], target: Path
) -> dbt.DbtBuild:
    select = tuple(path for layer in layers for path in dbt.LAYERS[layer])
    outcome = dbt.build(dsn, settings, select, target, is_delta=build.is_delta)
    with connection:
        dbt.record(connection, build.build_id, outcome)
    return outcome


def build_marts(dsn: str, settings: Settings, target: Path, *, full_refresh: bool = False) -> list[str]:
    """Build, check and publish the marts in the warehouse `dsn`; returns their names.

    `target`: folder of dbt's artefacts. Raises BuildError naming each node or check that failed.
    """
    connection = psycopg2.connect(dsn)
    try:
        build = marts.begin(connection, "by hand", settings.sources, dbt.fingerprint(settings), full_refresh)
        outcome = build_layers(dsn, connection, settings, build.build_id, tuple(dbt.LAYERS), target)
        if outcome.returncode != 0:
            marts.fail(connection, build.build_id)
            raise BuildError("\n".join(outcome.failures) or "dbt did not run, see its output")
        is_delta = marts.get(connection, build.build_id).is_delta
        failed = checks.check_marts(dsn, connection, settings.state, is_delta)
        if failed:
            marts.fail(connection, build.build_id)
            raise BuildError("\n".join(failed))
        return marts.publish(connection, build.build_id)
    finally:
        connection.close()
