"""Sends the report of a run's period to everyone who is subscribed and has not had it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from mcu.operators import warehouse
from mcu.operators.report_period import period_of_run
from mcu.reports.period import Report
from mcu.settings import Settings

if TYPE_CHECKING:
    from mcu.operators.lineage import Told
    from mcu.reports.archive import Archive
    from mcu.reports.deliver import Outcome
    from mcu.reports.ledger import Delivery


DRY_RUN = "dry_run"
log = logging.getLogger(__name__)


class DeliverReportOperator(BaseOperator):
    """Delivers; returns the number of the period's mails by state: of all, or of the run's `scope` and `recipient`.

    Fails for another try while a mail has surely not gone; fails for good, naming them, if it cannot be known
    whether mails have gone, if somebody was refused in this run, or if somebody is subscribed to a municipality
    that does not exist. With the parameter `dry_run` the editions are made in a corner of the archive, and that is all.
    """

    def __init__(self, *, report: Report, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report

    def execute(self, context: Context) -> dict[str, int]:
        """One try."""
        # Drawing and rendering take a second to import: not at the parsing of a DAG.
        from mcu.operators import mail_sender
        from mcu.reports import archive_pages
        from mcu.reports.archive import Archive
        from mcu.reports.deliver import NotSubscribedError, Only, deliver, rehearse
        from mcu.reports.post import SenderAddressError
        from mcu.reports.query import PeriodNotInMartsError

        period = period_of_run(self.report, context)
        only = Only(context["params"].get("scope") or None, context["params"].get("recipient") or None)
        settings = Settings.from_env()
        kept = Archive(settings.archive)
        with closing(warehouse.connect()) as connection:
            try:
                if context["params"].get("dry_run"):
                    kept = Archive(settings.archive / DRY_RUN)
                    made = rehearse(connection, kept, period, settings.region, settings.timezone, only)
                    archive_pages.write(kept, settings.timezone)
                    self.log.info("%d editions, nothing sent: %s", len(made), kept.folder(period))
                    return {"rehearsed": len(made)}
                sender = mail_sender.from_connection()
                outcome = deliver(connection, sender, kept, period, settings.region, settings.timezone, only)
            except (PeriodNotInMartsError, NotSubscribedError) as error:
                raise AirflowFailException(str(error)) from error
            except SenderAddressError as error:
                raise AirflowFailException(f"{mail_sender.EXTRA}: {error}") from error
        keep_for(kept, settings)
        complain(outcome, context["dag_run"].start_date)
        return {
            "sent": len(outcome.sent),
            "refused": len(outcome.refused),
            "planned": len(outcome.planned),
            "unknown": len(outcome.unknown),
        }

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Told:
        """Views of bi → the editions of the period."""
        from mcu.lineage import reports
        from mcu.lineage.names import Warehouse
        from mcu.operators import lineage
        from mcu.reports.archive import Archive

        context, root = task_instance.get_template_context(), Settings.from_env().archive
        kept = Archive(root / DRY_RUN if context["params"].get("dry_run") else root)
        flow = reports.flow(Warehouse.of(warehouse.dsn()), kept, period_of_run(self.report, context))
        return lineage.told(flow)


def keep_for(kept: Archive, settings: Settings) -> None:
    """Remove what is too old from the archive and write its pages anew."""
    from mcu.reports import archive_pages

    today = datetime.now(settings.timezone).date()
    for period in kept.prune(today - timedelta(days=settings.archive_days)):
        log.info("removed from the archive: %s %s", period.report, period.start)
    archive_pages.write(kept, settings.timezone)


def complain(outcome: Outcome, run_began: datetime | None) -> None:
    """Raise what the task ends with, if not all is well."""
    # Since the run began, not in this try alone: a retry for another's mail must not end green over a refusal.
    # Clearing a run starts it anew, so what was told once is not told again.
    refused = [
        mail for mail in outcome.refused if not (run_began and mail.finished_at and mail.finished_at < run_began)
    ]
    faults = []
    if outcome.gave_up:
        faults.append(f"the mail server of connection smtp_default fails: {outcome.gave_up}")
    if outcome.planned:
        faults.append(f"not gone yet through connection smtp_default, to be tried again: {_names(outcome.planned)}")
    if refused:
        faults.append(f"the mail server refuses for good: {_names(refused)}")
    if outcome.unknown:
        faults.append(f"may have gone or not, never sent again by itself: {_names(outcome.unknown)}")
    if outcome.unknown_scopes:
        faults.append(f"subscriptions to no municipality: {', '.join(outcome.unknown_scopes)}")
    if faults:
        raise (AirflowException if outcome.planned else AirflowFailException)("; ".join(faults))


def _names(deliveries: Sequence[Delivery]) -> str:
    return ", ".join(f"{mail.recipient} ({mail.scope}): {mail.server_response or 'not tried'}" for mail in deliveries)
