"""Editions that went out and read otherwise now: found, made anew, sent after approval."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from mcu.operators import warehouse
from mcu.operators.deliver_report import complain, keep_for
from mcu.reports.period import Period
from mcu.settings import LEAST_KEPT_DAYS, Settings

if TYPE_CHECKING:
    from mcu.reports.revise import Corrected

LOOKS_BACK = timedelta(days=LEAST_KEPT_DAYS)
LISTED = 40  # changes that fit a page which is read before approving


class CheckEditionsOperator(BaseOperator):
    """Compares the editions of the last weeks with the marts; returns how many were corrected."""

    def execute(self, context: Context) -> int:
        """One look."""
        from mcu.reports import ledger, revise
        from mcu.reports.archive import Archive

        settings = Settings.from_env()
        kept = Archive(settings.archive)
        since = datetime.now(settings.timezone).date() - LOOKS_BACK
        with closing(warehouse.connect()) as connection:
            periods = ledger.delivered_periods(connection, since)
            corrected = revise.check(connection, kept, periods, settings.region, settings.timezone)
            revise.note(connection, corrected)
        keep_for(kept, settings)
        for one in corrected:
            self.log.warning("%s: %d numbers are corrected", one.archived.folder, len(one.corrections))
        return len(corrected)


class PrepareRevisionOperator(BaseOperator):
    """Makes the corrected editions of a period; returns {revision, text}, the text for whom approves.

    Skips what follows if nothing was corrected.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """One try."""
        from mcu.reports import revise
        from mcu.reports.archive import Archive

        settings = Settings.from_env()
        kept = Archive(settings.archive)
        period = _period(context)
        with closing(warehouse.connect()) as connection:
            corrected = revise.prepare(connection, kept, period, settings.region, settings.timezone)
        if not corrected:
            raise AirflowSkipException(f"{period.report} {period.start}: no edition that went out is corrected")
        keep_for(kept, settings)
        return {"revision": corrected[0].document.revision, "text": approval_text(corrected)}


class DeliverRevisionOperator(BaseOperator):
    """Sends the revision that was prepared, as it stands in the archive; fails as DeliverReportOperator does."""

    def __init__(self, *, prepared_by: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prepared_by = prepared_by

    def execute(self, context: Context) -> dict[str, int]:
        """One try."""
        from mcu.operators import mail_sender
        from mcu.reports.archive import Archive
        from mcu.reports.deliver import NotSubscribedError, deliver_revision
        from mcu.reports.post import SenderAddressError

        settings = Settings.from_env()
        revision = context["ti"].xcom_pull(task_ids=self.prepared_by)["revision"]
        editions = [one for one in Archive(settings.archive).of_period(_period(context)) if one.revision == revision]
        with closing(warehouse.connect()) as connection:
            try:
                outcome = deliver_revision(connection, mail_sender.from_connection(), editions, settings.timezone)
            except NotSubscribedError as error:
                raise AirflowFailException(str(error)) from error
            except SenderAddressError as error:
                raise AirflowFailException(f"{mail_sender.EXTRA}: {error}") from error
        complain(outcome, context["dag_run"].start_date)
        return {"sent": len(outcome.sent), "refused": len(outcome.refused), "unknown": len(outcome.unknown)}


def approval_text(corrected: Sequence[Corrected]) -> str:
    """Markdown: which numbers of which editions read how, the first of them."""
    lines = []
    for one in corrected:
        lines.append(f"**{_plain(one.archived.name)}**, данные были на {one.archived.data_as_of:%d.%m.%Y %H:%M %Z}")
        lines += [
            f"- {_plain(change.label)}: {change.before.text} → {change.after.text}"
            for change in one.corrections
            if change.before and change.after
        ]
        lines += [f"- пришёл источник: {_plain(name)}" for name in one.archived.said["missing"]]
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], f"… и ещё {len(lines) - LISTED}: все — в архиве отчётов"]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text from data without what Markdown would take for its own."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>()#!|" else letter for letter in text)


def _period(context: Context) -> Period:
    params = context["params"]
    try:
        return Period(params["report"], datetime.fromisoformat(params["period_start"]).date())
    except (TypeError, ValueError) as error:
        raise AirflowFailException(f"period_start {params['period_start']!r}: {error}") from error
