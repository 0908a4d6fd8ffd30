"""One look: find what is wrong, note it, tell each way what it has not told yet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection

from mcu.alerts import causes, ledger
from mcu.alerts.ledger import Way
from mcu.alerts.message import Message
from mcu.settings import Settings

log = logging.getLogger(__name__)


class NotToldError(Exception):
    """The message did not go, as far as is known; the text says why, without an address that is secret."""


@dataclass(frozen=True)
class Channel:
    """A way to the engineers. `send` raises NotToldError; returns whom the message did not reach, if it did others."""

    way: Way
    send: Callable[[Message], Sequence[str]]


@dataclass(frozen=True)
class Look:
    """Alerts that stand, that are new, that were told by any way.

    `faults`: why a way could not tell, to be tried again; `refused`: engineers whom it did not reach, for good.
    """

    standing: int
    new: int
    told: int
    faults: list[str]
    refused: list[str]


def tell(connection: Connection, settings: Settings, channels: Sequence[Channel], moment: datetime) -> Look:
    """Look once. A way that fails stops no other, and what it could not tell it tells at the next look.

    Cut off between sending and noting it, the same message goes again: at least once is right for an alert.
    Raises LockNotAvailable while another look lasts, psycopg2.OperationalError without the warehouse.
    """
    ledger.lock(connection)
    found = causes.find(connection, settings, moment)
    new = ledger.note(connection, found, moment)
    if new:
        log.warning(Message(new, (), settings.timezone).text)
    told: set[int] = set()
    faults: list[str] = []
    refused: list[str] = []
    for channel in channels:
        message = Message(
            ledger.untold(connection, channel.way, moment),
            ledger.untold_gone(connection, channel.way, moment),
            settings.timezone,
        )
        if not (message.new or message.gone):
            continue
        try:
            refused += channel.send(message)
        except NotToldError as error:
            faults.append(str(error))
            continue
        ledger.mark(connection, channel.way, message.new, message.gone, moment)
        told |= {alert.alert_id for alert in message.new}
    return Look(len(found), len(new), len(told), faults, refused)
