"""The operator that empties the mailbox into the inbox."""

from __future__ import annotations

import ssl

from airflow.sdk import BaseHook, BaseOperator, Connection, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import MailboxFolderSelectError, MailboxLoginError

from mcu.landing.mail_drop import MailDrop
from mcu.landing.store import Store
from mcu.operators import inbox
from mcu.settings import Settings

TIMEOUT = 60  # seconds
CONNECTION_HELP = 'extra: {"senders": ["robot@example.org", "@example.org"]}'


class CollectMailOperator(BaseOperator):
    """Puts the workbooks of new mails into the inbox; skips without MCU_MAILBOX.

    Fails, to be retried, if mailbox or inbox cannot be reached; once if the login is refused or a mail cannot be taken.
    """

    def execute(self, context: Context) -> None:
        settings = Settings.from_env()
        if settings.mailbox is None:
            raise AirflowSkipException("MCU_MAILBOX names no connection: there is no mailbox to look into.")
        connection = BaseHook.get_connection(settings.mailbox)
        senders = connection.extra_dejson.get("senders")
        if not isinstance(senders, list) or not senders:
            raise AirflowFailException(
                f"The connection {settings.mailbox} names no senders, and anybody can mail an export. {CONNECTION_HELP}"
            )
        store = Store(*inbox.location(settings))
        with _open(connection) as mailbox:
            collected = MailDrop(mailbox, store, senders).collect()
        for uri in collected.saved:
            self.log.info("New in the inbox: %s", uri)
        if collected.strangers:
            self.log.warning("%d unread mails are not of the connection's senders: left alone", collected.strangers)
        if collected.faults:
            raise AirflowFailException("Could not be taken, starred in the mailbox:\n" + "\n".join(collected.faults))


def _open(connection: Connection) -> BaseMailBox:
    """The mailbox, logged in; by TLS with a certificate that is checked, unless the connection says otherwise."""
    extra = connection.extra_dejson
    security, host, port = extra.get("security", "ssl"), str(connection.host), connection.port
    context = ssl.create_default_context(cafile=extra.get("ca_file"))
    mailbox: BaseMailBox
    if security == "ssl":
        mailbox = MailBox(host, port or 993, timeout=TIMEOUT, ssl_context=context)
    elif security == "starttls":
        mailbox = MailBoxStartTls(host, port or 143, timeout=TIMEOUT, ssl_context=context)
    elif security == "none":
        mailbox = MailBoxUnencrypted(host, port or 143, timeout=TIMEOUT)
    else:
        raise AirflowFailException(f"security: {security!r} is not ssl, starttls or none")
    folder = extra.get("folder", "INBOX")
    try:
        return mailbox.login(connection.login or "", connection.password or "", folder)
    except MailboxLoginError as error:
        raise AirflowFailException(f"{host} refuses {connection.login}: wrong name or password? ({error})") from error
    except MailboxFolderSelectError as error:
        raise AirflowFailException(f"{host}: {connection.login} has no folder {folder!r}. ({error})") from error
