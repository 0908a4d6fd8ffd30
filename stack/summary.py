"""What the main job says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from stack.airflow_api import USER
from stack.environment import admin_password, archive_folder
from stack.local import LocalStack
from stack.progress import Progress
from stack.warehouse import Warehouse

LEDGER = ("source", "files", "read", "new", "changed", "unchanged", "quarantined")


def print_summary(stack: LocalStack, warehouse: Warehouse, progress: Progress, periods: Mapping[str, date]) -> None:
    """Print the ledger by source, what was refused, the deliveries, and where to look."""
    print("\nAll that was ever loaded, in rows:")
    for line in (LEDGER, *warehouse.loads()):
        print("  {:<10}{:>7}{:>12}{:>12}{:>12}{:>12}{:>13}".format(*map(_cell, line)))
    if unpublished := warehouse.unpublished():
        print("\nNot taken:")
        for uri, status, error in unpublished:
            print(f"  {uri}: {status}: {error}")
    print("\nReports:")
    for report, start in periods.items():
        states = warehouse.deliveries(report, start)
        print(f"  {report:<7}of {start}: {', '.join(f'{count} {state}' for state, count in states.items()) or 'none'}")
    if not warehouse.has_subscriptions():
        print("  Nobody is subscribed: no mails.")
    ports = stack.choice().ports
    used, peak = progress.measure() / 2**30, progress.peak_bytes / 2**30
    print(
        f"""
Mails      http://127.0.0.1:{ports.mail_page}
Airflow    http://127.0.0.1:{ports.airflow}  {USER} / {admin_password(stack.state)}
Reports    {archive_folder(stack.state, warehouse.dsn) / "index.html"}
Checks     {stack.state / "data_docs"}
Warehouse  make psql · make -s dsn · make -s dsn ROLE=bi_reader
Stop       make stop

Done in {progress.elapsed()}; memory {used:.1f} GB, at most {peak:.1f} GB."""
    )


def _cell(value: object) -> str:
    return value if isinstance(value, str) else f"{value:,}"
