from __future__ import annotations

from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from mcu.reports.subscriptions import load

pytestmark = pytest.mark.postgres


def test_loading_twice_adds_nothing_and_keeps_what_was_ended(warehouse: Connection, tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.csv"
    path.write_text("recipient,report,scope\na@mcu.example,daily,oblast\nb@mcu.example,weekly,60737000\n")
    assert load(warehouse, path) == 2
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("update ops.report_subscription set valid_from = '2026-01-01', valid_to = '2026-02-01'")

    assert load(warehouse, path) == 0
    with warehouse.cursor() as cursor:
        cursor.execute("select count(*), count(valid_to) from ops.report_subscription")
        assert cursor.fetchone() == (2, 2)
