"""The whole way from `raw` to the published marts in one call, for tests and for work without a scheduler."""

from __future__ import annotations

from pathlib import Path

import psycopg2

from mcu.settings import Settings
from mcu.transform import checks, dbt, marts


class BuildError(Exception):
    """A model, a test or a check failed; the marts are as they were."""


def build_marts(dsn: str, settings: Settings, target: Path) -> list[str]:
    """Build, check and publish all marts in the warehouse `dsn`; returns their names.

    `target`: folder of dbt's artefacts. Raises BuildError naming each node or check that failed.
    """
    connection = psycopg2.connect(dsn)
    try:
        build_id = marts.begin(connection, "by hand", settings.sources)
        outcome = dbt.build(dsn, settings, tuple(path for layer in dbt.LAYERS.values() for path in layer), target)
        with connection:
            dbt.record(connection, build_id, outcome)
        if outcome.returncode != 0:
            marts.fail(connection, build_id)
            raise BuildError("\n".join(outcome.failures) or "dbt did not run, see its output")
        failed = checks.check_marts(dsn, connection, settings.state)
        if failed:
            marts.fail(connection, build_id)
            raise BuildError("\n".join(failed))
        return marts.publish(connection, build_id)
    finally:
        connection.close()
