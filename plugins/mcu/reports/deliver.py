"""Every subscriber gets the period's report once: plan in the ledger, render, send, note what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

from mcu.reports import edition, ledger, message, query
from mcu.reports.ledger import Delivery, PlannedMail
from mcu.reports.period import Period
from mcu.reports.post import Post, Sender, ServerFailsError
from mcu.reports.render import render, subject


@dataclass(frozen=True)
class Only:
    """Whom a try is for, as they stand in `ops.report_subscription`; None: everyone."""

    scope: str | None = None
    recipient: str | None = None

    def takes(self, scope: str, recipient: str) -> bool:
        """Whether this subscriber is meant."""
        return self.scope in (None, scope) and self.recipient in (None, recipient)


EVERYONE = Only()


class NotSubscribedError(ValueError):
    """A try for a scope or a recipient that nobody's subscription names."""


@dataclass(frozen=True)
class Outcome:
    """The mails that the try was for, by state after it; `unknown_scopes` are subscriptions to no municipality.

    `planned` are mails still to go: not those of a subscription that has ended or whose municipality is gone.
    `gave_up`: the mail server's words if it failed as a whole, so that not every mail of `planned` was tried.
    """

    sent: Sequence[Delivery]
    refused: Sequence[Delivery]
    planned: Sequence[Delivery]
    unknown: Sequence[Delivery]
    unknown_scopes: Sequence[str]
    gave_up: str | None = None


def deliver(
    connection: Connection, sender: Sender, period: Period, region: str, timezone: ZoneInfo, only: Only = EVERYONE
) -> Outcome:
    """Send what has not gone yet of one period; a mail that may have gone is never sent again.

    Raises SenderAddressError, NotSubscribedError, PeriodNotInMartsError, DeliveryRunningError, LockNotAvailable;
    mails that have not gone are then still `planned`.
    """
    sender.check()
    ledger.lock(connection, period)
    ledger.give_up_on_killed(connection, period)
    data = query.read(connection, period, region)
    subscribed = _subscribed(connection, period, only)
    known = [(scope, recipient) for scope, recipient in subscribed if data.common.has(scope)]
    subjects = {scope: subject(edition.make(data, scope)) for scope, _ in known}
    mails = [
        PlannedMail(
            scope,
            recipient,
            message.message_id(period, scope, recipient, ledger.REVISION, sender.address),
            subjects[scope],
        )
        for scope, recipient in known
    ]
    ledger.plan(connection, period, mails, data.common.as_of)

    gave_up = None
    with closing(Post(connection, sender, period, data.common.as_of, timezone)) as post:
        try:
            for scope, deliveries in groupby(_to_go(connection, period, known), key=lambda delivery: delivery.scope):
                rendered = render(edition.make(data, scope), timezone)
                for delivery in deliveries:
                    post.send(delivery, rendered)
        except ServerFailsError as error:
            gave_up = str(error)

    def came_to(state: str) -> list[Delivery]:
        mails = ledger.in_state(connection, period, state)
        return [mail for mail in mails if only.takes(mail.scope, mail.recipient)]

    return Outcome(
        sent=came_to("sent"),
        refused=came_to("refused"),
        planned=_to_go(connection, period, known),
        unknown=came_to("unknown"),
        unknown_scopes=sorted({scope for scope, _ in subscribed if not data.common.has(scope)}),
        gave_up=gave_up,
    )


def _subscribed(connection: Connection, period: Period, only: Only) -> list[tuple[str, str]]:
    """(scope, recipient) of the subscriptions of today that `only` takes."""
    found = [pair for pair in ledger.subscriptions(connection, period) if only.takes(*pair)]
    if only != EVERYONE and not found:
        raise NotSubscribedError(
            f"nobody to send to: no subscription of today to the {period.report} report"
            f" has recipient {only.recipient or 'any'} and scope {only.scope or 'any'}"
        )
    return found


def _to_go(connection: Connection, period: Period, known: Collection[tuple[str, str]]) -> list[Delivery]:
    """The planned mails whose (scope, recipient) is in `known`: a mail planned earlier may have lost its reason."""
    planned = ledger.in_state(connection, period, "planned")
    return [delivery for delivery in planned if (delivery.scope, delivery.recipient) in known]
