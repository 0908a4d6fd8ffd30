"""Waits until the marts hold the whole period of a report."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from mcu.operators import warehouse
from mcu.operators.report_period import period_of_run
from mcu.reports.period import Report, marts_hold
from mcu.settings import Settings


class MartsHoldSensor(BaseSensorOperator):
    """Succeeds once every enabled source's newest export in the marts reaches the end of the period.

    It gives its worker back between two looks; the first ones follow quickly, later ones every minute.
    """

    def __init__(self, *, report: Report, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "mode": "reschedule",
            "poke_interval": 10,
            "exponential_backoff": True,
            "max_wait": timedelta(seconds=60),
            "timeout": timedelta(hours=10),
        }
        super().__init__(**(defaults | kwargs))
        self.report = report

    def poke(self, context: Context) -> bool:
        """Look once."""
        period = period_of_run(self.report, context)
        ends_at = period.ends_at(Settings.from_env().timezone)
        with closing(warehouse.connect()) as connection:
            is_held = marts_hold(connection, ends_at)
        self.log.info("%s %s ends at %s: %s", self.report, period.start, ends_at, "held" if is_held else "not held yet")
        return is_held
