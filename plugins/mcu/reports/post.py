"""One SMTP session for many mails: opened anew after it broke, given up when the server as a whole fails."""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import getaddresses
from functools import partial
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

from mcu.reports import ledger, message, transport
from mcu.reports.ledger import Delivery
from mcu.reports.period import Period
from mcu.reports.render import Rendered
from mcu.reports.transport import Attempt
from mcu.settings import ADDRESS

log = logging.getLogger(__name__)

# So many sessions in a row that broke without a recipient's part in it, and the server is not asked for the rest.
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True)
class Sender:
    """Who sends, and how: `address` stands in From and `reply_to` in Reply-To, with a name or bare.

    `open_session` gives a connected client or raises OSError or SMTPException. `mails_per_minute`: None is no limit.
    """

    address: str
    open_session: Callable[[], smtplib.SMTP]
    reply_to: str | None = None
    mails_per_minute: float | None = None

    @property
    def bare_address(self) -> str:
        """What stands in MAIL FROM."""
        return _bare(self.address)

    @property
    def bare_reply_address(self) -> str:
        """Where an answer goes."""
        return _bare(self.reply_to or self.address)

    def check(self) -> None:
        """Raises SenderAddressError for an address that cannot stand in a mail."""
        for name, address in (("from_email", self.address), ("reply_to", self.reply_to)):
            if address is not None and not (ADDRESS.fullmatch(_bare(address)) and address.isprintable()):
                raise SenderAddressError(
                    f"{name} is no mail address: {address!r}; it is user@example.org or Name <user@example.org>,"
                    " the address itself in ASCII (a domain of other letters as xn--…)"
                )


class SenderAddressError(ValueError):
    """An address of the sender cannot stand in a mail, so that none could go."""


class ServerFailsError(Exception):
    """The mail server takes nobody's mail now; carries its words."""


class Post:
    """Sends mails of one period and notes the fate of each."""

    def __init__(self, connection: Connection, sender: Sender, period: Period, timezone: ZoneInfo) -> None:
        self._connection = connection
        self._sender = sender
        self._period = period
        self._timezone = timezone
        self._session: smtplib.SMTP | None = None
        self._failures = 0
        self._next_at = time.monotonic()

    def send(self, delivery: Delivery, rendered: Rendered, data_as_of: datetime) -> None:
        """Send one mail and note its fate. Raises ServerFailsError, after the note, if others need not be tried."""
        if not ADDRESS.fullmatch(delivery.recipient):
            self._finish(delivery, Attempt("refused", "not sent: this is no mail address"))
            return
        self._wait_for_turn()
        try:
            attempt = self._hand_over(self._open(), delivery, rendered, data_as_of)
        except (OSError, smtplib.SMTPException) as error:
            attempt = Attempt("planned", transport.words_of(error), "session")
            if isinstance(error, smtplib.SMTPAuthenticationError):
                self._failures = FAILURES_IN_A_ROW  # a wrong password tried again and again locks the account
        self._finish(delivery, attempt)
        # A session that broke over a recipient tells nothing of the server: the next recipient may be well.
        self._failures = self._failures + 1 if attempt.broke_at in ("session", "text") else 0
        if self._failures >= FAILURES_IN_A_ROW:
            raise ServerFailsError(attempt.words)

    def close(self) -> None:
        """Part from the server politely; every mail's fate is known by now, so a failure here means nothing."""
        if self._session is not None and self._session.sock is not None:
            try:
                self._session.quit()
            except (OSError, smtplib.SMTPException) as error:
                log.info("the mail server did not say goodbye: %s", error)

    def _wait_for_turn(self) -> None:
        if self._sender.mails_per_minute is not None:
            time.sleep(max(0.0, self._next_at - time.monotonic()))
            self._next_at = time.monotonic() + 60 / self._sender.mails_per_minute

    def _open(self) -> smtplib.SMTP:
        if self._session is not None and not transport.is_alive(self._session):
            self._session.close()
            self._session = None
        if self._session is None:
            self._session = self._sender.open_session()
        return self._session

    def _hand_over(
        self, session: smtplib.SMTP, delivery: Delivery, rendered: Rendered, data_as_of: datetime
    ) -> Attempt:
        mail = message.build(
            rendered,
            self._sender.address,
            delivery.recipient,
            delivery.message_id,
            datetime.now(self._timezone),
            reply_to=self._sender.reply_to,
            list_unsubscribe=message.unsubscribe(self._period, delivery.scope, self._sender.bare_reply_address),
        )
        begin = partial(ledger.begin, self._connection, delivery, data_as_of)
        return transport.send(session, self._sender.bare_address, delivery.recipient, mail, begin)

    def _finish(self, delivery: Delivery, attempt: Attempt) -> None:
        ledger.finish(self._connection, delivery, attempt)
        level = logging.INFO if attempt.fate == "sent" else logging.WARNING
        log.log(level, "%s to %s: %s (%s)", delivery.scope, delivery.recipient, attempt.fate, attempt.words)


def _bare(address: str) -> str:
    """Empty unless there is one address."""
    addresses = getaddresses([address])
    return addresses[0][1] if len(addresses) == 1 else ""
