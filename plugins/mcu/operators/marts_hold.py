"""Waits until the marts hold the whole period of a report."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from mcu.operators import warehouse
from mcu.operators.report_period import period_of_run
from mcu.reports.period import Report, holding
from mcu.settings import Settings


class MartsHoldSensor(BaseSensorOperator):
    """Succeeds once every enabled source's newest export in the marts reaches the end of the period.

    If MCU_REPORT_INCOMPLETE is «send», one source is enough from the deadline on: the report then says what it lacks.

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
        period, settings = period_of_run(self.report, context), Settings.from_env()
        ends_at = period.ends_at(settings.timezone)
        with closing(warehouse.connect()) as connection:
            found = holding(connection, ends_at)
        self.log.info(
            "%s %s ends at %s: %d of %d sources have it", self.report, period.start, ends_at, found.held, found.enabled
        )
        if found.is_whole:
            return True
        deadline = datetime.combine(period.end, settings.report_deadline, settings.timezone)
        if settings.sends_incomplete and found.held and datetime.now(UTC) >= deadline:
            self.log.warning("past the deadline %s: the report goes out incomplete", deadline)
            return True
        return False
