"""Sends the report of a run's period to everyone who is subscribed and has not had it."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from mcu.operators import warehouse
from mcu.operators.report_period import period_of_run
from mcu.reports.period import Report
from mcu.settings import Settings

if TYPE_CHECKING:
    from mcu.reports.deliver import Outcome, Sender
    from mcu.reports.ledger import Delivery


SMTP_CONNECTION_ID = "smtp_default"


class DeliverReportOperator(BaseOperator):
    """Delivers; returns the number of the period's mails by state.

    Fails for another try while a mail has surely not gone; fails for good, naming them, if it cannot be known
    whether mails have gone, if somebody was refused in this run, or if somebody is subscribed to a municipality
    that does not exist.
    """

    def __init__(self, *, report: Report, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report

    def execute(self, context: Context) -> dict[str, int]:
        """One try."""
        # Drawing and rendering take a second to import: not at the parsing of a DAG.
        from mcu.reports.deliver import SenderAddressError, deliver
        from mcu.reports.query import PeriodNotInMartsError

        period = period_of_run(self.report, context)
        settings = Settings.from_env()
        with closing(warehouse.connect()) as connection:
            try:
                outcome = deliver(connection, _sender(), period, settings.region, settings.timezone)
            except PeriodNotInMartsError as error:
                raise AirflowFailException(str(error)) from error
            except SenderAddressError as error:
                where = f"from_email in the extra of connection {SMTP_CONNECTION_ID}"
                raise AirflowFailException(f"{where}: {error}") from error
        _complain(outcome, context["dag_run"].start_date)
        return {
            "sent": len(outcome.sent),
            "refused": len(outcome.refused),
            "planned": len(outcome.planned),
            "unknown": len(outcome.unknown),
        }


def _complain(outcome: Outcome, run_began: datetime | None) -> None:
    # Since the run began, not in this try alone: a retry for another's mail must not end green over a refusal.
    # Clearing a run starts it anew, so what was told once is not told again.
    refused = [
        mail for mail in outcome.refused if not (run_began and mail.finished_at and mail.finished_at < run_began)
    ]
    faults = []
    if outcome.planned:
        faults.append(f"not gone yet, to be tried again: {_names(outcome.planned)}")
    if refused:
        faults.append(f"the mail server refuses for good: {_names(refused)}")
    if outcome.unknown:
        faults.append(f"may have gone or not, never sent again by itself: {_names(outcome.unknown)}")
    if outcome.unknown_scopes:
        faults.append(f"subscriptions to no municipality: {', '.join(outcome.unknown_scopes)}")
    if faults:
        raise (AirflowException if outcome.planned else AirflowFailException)("; ".join(faults))


def _sender() -> Sender:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    from mcu.reports.deliver import Sender

    address = SmtpHook.get_connection(SMTP_CONNECTION_ID).extra_dejson.get("from_email")
    if not address:
        raise AirflowFailException(f"connection {SMTP_CONNECTION_ID} names no from_email in its extra")

    def open_session() -> smtplib.SMTP:
        # The hook does TLS and authentication; only its client shows how far a mail got.
        client = SmtpHook(SMTP_CONNECTION_ID).get_conn()._smtp_client
        if not isinstance(client, smtplib.SMTP):
            raise AirflowException("no connection to the mail server")
        return client

    return Sender(address, open_session)


def _names(deliveries: Sequence[Delivery]) -> str:
    return ", ".join(f"{mail.recipient} ({mail.scope}): {mail.server_response}" for mail in deliveries)
