"""What the DAGs tell one another of: tables that have something new."""

from __future__ import annotations

from airflow.sdk import Asset

POS_MESSAGES = Asset("warehouse://raw/pos_message")
INCIDENTS = Asset("warehouse://raw/incident")
MARTS = Asset("warehouse://marts")
