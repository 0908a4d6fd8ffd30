"""Every subscriber gets the period's report once: plan in the ledger, render, send, note what became of it."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import getaddresses
from itertools import groupby
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

from mcu.reports import edition, ledger, message, query, transport
from mcu.reports.ledger import Delivery, PlannedMail
from mcu.reports.period import Period
from mcu.reports.render import Rendered, render, subject
from mcu.reports.transport import Attempt
from mcu.settings import ADDRESS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """`address` stands in From, with a name or bare; `open_session` gives a connected client or raises."""

    address: str
    open_session: Callable[[], smtplib.SMTP]

    @property
    def bare_address(self) -> str:
        """What stands in MAIL FROM; empty unless there is one address."""
        addresses = getaddresses([self.address])
        return addresses[0][1] if len(addresses) == 1 else ""


class SenderAddressError(ValueError):
    """The sender's address cannot stand in a mail, so that none could go."""


@dataclass(frozen=True)
class Outcome:
    """The period's mails by state after this try; `unknown_scopes` are subscriptions to no municipality.

    `planned` are mails still to go: not those of a subscription that has ended or whose municipality is gone.
    """

    sent: Sequence[Delivery]
    refused: Sequence[Delivery]
    planned: Sequence[Delivery]
    unknown: Sequence[Delivery]
    unknown_scopes: Sequence[str]


def deliver(connection: Connection, sender: Sender, period: Period, region: str, timezone: ZoneInfo) -> Outcome:
    """Send what has not gone yet of one period; a mail that may have gone is never sent again.

    Raises SenderAddressError, PeriodNotInMartsError, DeliveryRunningError, LockNotAvailable, and whatever
    `open_session` raises; mails that have not gone are then still `planned`.
    """
    _check(sender)
    ledger.lock(connection, period)
    ledger.give_up_on_killed(connection, period)
    data = query.read(connection, period, region)
    subscribed = ledger.subscriptions(connection, period)
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

    post = _Post(connection, sender, data.common.as_of, timezone)
    try:
        for scope, deliveries in groupby(_to_go(connection, period, known), key=lambda delivery: delivery.scope):
            rendered = render(edition.make(data, scope), timezone)
            for delivery in deliveries:
                post.send(delivery, rendered)
    finally:
        post.close()
    return Outcome(
        sent=ledger.in_state(connection, period, "sent"),
        refused=ledger.in_state(connection, period, "refused"),
        planned=_to_go(connection, period, known),
        unknown=ledger.in_state(connection, period, "unknown"),
        unknown_scopes=sorted({scope for scope, _ in subscribed if not data.common.has(scope)}),
    )


def _check(sender: Sender) -> None:
    if not (ADDRESS.fullmatch(sender.bare_address) and sender.address.isprintable()):
        raise SenderAddressError(
            f"no mail address to send from: {sender.address!r}; it is user@example.org or Name <user@example.org>,"
            " the address itself in ASCII (a domain of other letters as xn--…)"
        )


def _to_go(connection: Connection, period: Period, known: Collection[tuple[str, str]]) -> list[Delivery]:
    """The planned mails whose (scope, recipient) is in `known`: a mail planned earlier may have lost its reason."""
    planned = ledger.in_state(connection, period, "planned")
    return [delivery for delivery in planned if (delivery.scope, delivery.recipient) in known]


class _Post:
    """One SMTP session for many mails, opened anew after it broke."""

    def __init__(self, connection: Connection, sender: Sender, data_as_of: datetime, timezone: ZoneInfo) -> None:
        self._connection = connection
        self._sender = sender
        self._data_as_of = data_as_of
        self._timezone = timezone
        self._session: smtplib.SMTP | None = None

    def send(self, delivery: Delivery, rendered: Rendered) -> None:
        """Send one mail and note its fate; raises only if no session can be had, before anything is noted."""
        if not ADDRESS.fullmatch(delivery.recipient):
            self._finish(delivery, Attempt("refused", "not sent: this is no mail address"))
            return
        sent_at = datetime.now(self._timezone)
        mail = message.build(rendered, self._sender.address, delivery.recipient, delivery.message_id, sent_at)
        session = self._open()
        ledger.begin(self._connection, delivery, self._data_as_of)
        self._finish(delivery, transport.send(session, self._sender.bare_address, delivery.recipient, mail))

    def close(self) -> None:
        """Part from the server politely; every mail's fate is known by now, so a failure here means nothing."""
        if self._session is not None and self._session.sock is not None:
            try:
                self._session.quit()
            except (OSError, smtplib.SMTPException) as error:
                log.info("the mail server did not say goodbye: %s", error)

    def _open(self) -> smtplib.SMTP:
        if self._session is None or not transport.is_alive(self._session):
            self._session = self._sender.open_session()
        return self._session

    def _finish(self, delivery: Delivery, attempt: Attempt) -> None:
        ledger.finish(self._connection, delivery, attempt)
        level = logging.INFO if attempt.fate == "sent" else logging.WARNING
        log.log(level, "%s to %s: %s (%s)", delivery.scope, delivery.recipient, attempt.fate, attempt.words)
