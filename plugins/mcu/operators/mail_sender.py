"""The sender of the reports, out of the Airflow connection to the mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from typing import Any

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowFailException

from mcu.reports.post import Sender

CONNECTION_ID = "smtp_default"
EXTRA = f"extra of connection {CONNECTION_ID}"


class _Hook(SmtpHook):
    def _build_client(self) -> smtplib.SMTP_SSL | smtplib.SMTP:
        """Connect once: the hook would try a server that hangs up or hangs `retry_limit` times more."""
        try:
            return super()._build_client()
        except smtplib.SMTPServerDisconnected as error:
            raise ConnectionError(str(error)) from error


def from_connection() -> Sender:
    """Raises AirflowFailException naming the setting that is missing or cannot be."""
    extra = _Hook.get_connection(CONNECTION_ID).extra_dejson
    if not extra.get("from_email"):
        raise AirflowFailException(f"{EXTRA} names no from_email")
    _number(extra, "timeout", whole=True)
    if not (_is_on(extra, "disable_tls") or _is_on(extra, "disable_ssl")):
        raise AirflowFailException(
            f"{EXTRA} must have either disable_ssl (STARTTLS, usually port 587)"
            " or disable_tls (TLS from the first byte, usually port 465)"
        )
    return Sender(
        extra["from_email"],
        _open_session,
        reply_to=extra.get("reply_to") or None,
        mails_per_minute=_number(extra, "mails_per_minute"),
    )


def _open_session() -> smtplib.SMTP:
    # The hook does TLS and authentication; only its client shows how far a mail got.
    try:
        client = _Hook(CONNECTION_ID).get_conn()._smtp_client
    except UnicodeEncodeError:
        # Not chained: the error holds the password.
        raise AirflowFailException(f"login and password of connection {CONNECTION_ID} must be ASCII") from None
    assert isinstance(client, smtplib.SMTP)
    return client


def _is_on(extra: Mapping[str, Any], name: str) -> bool:
    """Only what the hook takes alike: to it, the text «false» is true."""
    value = extra.get(name, False)
    if value not in (True, False, "true", "True", ""):
        raise AirflowFailException(f"{EXTRA}: {name} is true or left out, not {value!r}")
    return bool(value)


def _number(extra: Mapping[str, Any], name: str, *, whole: bool = False) -> float | None:
    value = extra.get(name)
    if value is None:
        return None
    try:
        number = int(value) if whole else float(value)
    except (TypeError, ValueError):
        number = 0
    if not 0 < number < float("inf"):
        raise AirflowFailException(f"{EXTRA}: {name} is a number above 0, not {value!r}")
    return number
