"""Every subscriber gets the period's report once: plan in the ledger, render, send, note what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

from mcu.reports import archive, edition, ledger, message, query
from mcu.reports.archive import Archive, Archived
from mcu.reports.compose import compose, subject
from mcu.reports.ledger import FIRST, Delivery, PlannedMail
from mcu.reports.period import Period
from mcu.reports.post import Post, Sender, ServerFailsError
from mcu.reports.render import render


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
    unknown_scopes: Sequence[str] = ()
    gave_up: str | None = None


def deliver(
    connection: Connection,
    sender: Sender,
    kept: Archive,
    period: Period,
    region: str,
    timezone: ZoneInfo,
    only: Only = EVERYONE,
) -> Outcome:
    """Send what has not gone yet of one period; a mail that may have gone is never sent again.

    An edition that somebody may have goes out as it lies in `kept`: all its recipients read the same numbers.
    Raises SenderAddressError, NotSubscribedError, PeriodNotInMartsError, DeliveryRunningError, LockNotAvailable;
    mails that have not gone are then still `planned`.
    """
    sender.check()
    ledger.lock(connection, period)
    ledger.give_up_on_killed(connection, period)
    data = query.read(connection, period, region, timezone)
    subscribed = _subscribed(connection, period, only)
    known = [(scope, recipient) for scope, recipient in subscribed if data.common.has(scope)]
    subjects = {scope: subject(edition.make(data, scope)) for scope in {scope for scope, _ in known}}
    gone = ledger.scopes_gone(connection, period, FIRST)

    def edition_of(scope: str) -> Archived:
        found = kept.get(period, scope, FIRST) if scope in gone else None
        if found is None:
            document = compose(edition.make(data, scope), timezone)
            found = kept.put(document, render(document), datetime.now(timezone))
        return found

    planned = [(scope, recipient, subjects[scope]) for scope, recipient in known]
    _plan(connection, sender, period, FIRST, planned, data.common.as_of)
    gave_up = _send(connection, sender, period, FIRST, known, edition_of, timezone)
    unknown_scopes = sorted({scope for scope, _ in subscribed if not data.common.has(scope)})
    return _outcome(connection, period, FIRST, known, only, unknown_scopes, gave_up)


def rehearse(
    connection: Connection, kept: Archive, period: Period, region: str, timezone: ZoneInfo, only: Only = EVERYONE
) -> list[Archived]:
    """Put into `kept` what deliver() would send now; nothing is planned or sent. A scope needs no subscription.

    Raises NotSubscribedError, PeriodNotInMartsError, LockNotAvailable.
    """
    data = query.read(connection, period, region, timezone)
    if only.recipient is None and only.scope is not None:
        scopes = [only.scope]
    else:
        scopes = sorted({scope for scope, _ in _subscribed(connection, period, only)})
    known = [scope for scope in scopes if data.common.has(scope)]
    if not known:
        raise NotSubscribedError(
            f"no edition to make: bi.dim_municipality has none of {', '.join(scopes) or 'nothing'}"
        )
    documents = (compose(edition.make(data, scope), timezone) for scope in known)
    return [kept.put(one, render(one), datetime.now(timezone)) for one in documents]


def deliver_revision(
    connection: Connection, sender: Sender, editions: Collection[Archived], timezone: ZoneInfo
) -> Outcome:
    """Send corrected editions, all of one period and revision, to those who have had an earlier one and are subscribed.

    Raises SenderAddressError, DeliveryRunningError, NotSubscribedError if there is nobody like that.
    """
    sender.check()
    by_scope = {one.scope: one for one in editions}
    period, revision = next((one.period, one.revision) for one in editions)
    ledger.lock(connection, period)
    ledger.give_up_on_killed(connection, period)
    had = set(ledger.recipients_before(connection, period, revision))
    known = [pair for pair in ledger.subscriptions(connection, period) if pair in had and pair[0] in by_scope]
    if not known:
        raise NotSubscribedError(f"nobody who is subscribed has had what revision {revision} corrects")
    planned = [(scope, recipient, str(by_scope[scope].said["subject"])) for scope, recipient in known]
    _plan(connection, sender, period, revision, planned, max(one.data_as_of for one in editions))
    gave_up = _send(connection, sender, period, revision, known, by_scope.__getitem__, timezone)
    return _outcome(connection, period, revision, known, EVERYONE, (), gave_up)


def _plan(
    connection: Connection,
    sender: Sender,
    period: Period,
    revision: int,
    planned: Sequence[tuple[str, str, str]],
    data_as_of: datetime,
) -> None:
    mails = [
        PlannedMail(
            scope, recipient, message.message_id(period, scope, recipient, revision, sender.address), subject_of_mail
        )
        for scope, recipient, subject_of_mail in planned
    ]
    ledger.plan(connection, period, revision, mails, data_as_of)


def _send(
    connection: Connection,
    sender: Sender,
    period: Period,
    revision: int,
    known: Collection[tuple[str, str]],
    edition_of: Callable[[str], Archived],
    timezone: ZoneInfo,
) -> str | None:
    """Try the planned mails of `known`; returns the server's words if it failed as a whole."""
    with closing(Post(connection, sender, period, timezone)) as post:
        to_go = _to_go(connection, period, revision, known)
        try:
            for scope, deliveries in groupby(to_go, key=lambda delivery: delivery.scope):
                archived = edition_of(scope)
                rendered = archive.mail(archived)
                for delivery in deliveries:
                    post.send(delivery, rendered, archived.data_as_of)
        except ServerFailsError as error:
            return str(error)
    return None


def _outcome(
    connection: Connection,
    period: Period,
    revision: int,
    known: Collection[tuple[str, str]],
    only: Only,
    unknown_scopes: Sequence[str],
    gave_up: str | None,
) -> Outcome:
    def came_to(state: str) -> list[Delivery]:
        mails = ledger.in_state(connection, period, revision, state)
        return [mail for mail in mails if only.takes(mail.scope, mail.recipient)]

    return Outcome(
        sent=came_to("sent"),
        refused=came_to("refused"),
        planned=_to_go(connection, period, revision, known),
        unknown=came_to("unknown"),
        unknown_scopes=unknown_scopes,
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


def _to_go(connection: Connection, period: Period, revision: int, known: Collection[tuple[str, str]]) -> list[Delivery]:
    """The planned mails whose (scope, recipient) is in `known`: a mail planned earlier may have lost its reason."""
    planned = ledger.in_state(connection, period, revision, "planned")
    return [delivery for delivery in planned if (delivery.scope, delivery.recipient) in known]
