"""The loader as the DAG runs it: inbox, gate, quarantine, ledger, history, Data Docs."""

from __future__ import annotations

from pathlib import Path

# The library is imported by the gate where it is needed: here before the clock starts, as with the other contenders.
import great_expectations
import great_expectations.data_context.data_context.ephemeral_data_context  # noqa: F401

from mcu.landing.load import Loader
from mcu.settings import Settings

TABLE, KEY = "raw.incident", "source_key"


def load(dsn: str, path: Path) -> dict[str, float]:
    settings = Settings.from_env({"MCU_INBOX": str(path.parent), "MCU_STATE": str(path.parent.parent / "state")})
    summary = Loader(dsn, "incident", settings, run_id="bench").run()
    problems = summary.failed | summary.refused | summary.waiting
    assert not problems, problems
    assert all(not done.quarantined for done in summary.published.values())
    return dict(summary.seconds)
