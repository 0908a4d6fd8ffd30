"""Looks for what is wrong and tells the engineers by mail and webhook."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook, BaseOperator, Connection, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

from mcu.operators import warehouse
from mcu.settings import Settings

if TYPE_CHECKING:
    from mcu.alerts.message import Message
    from mcu.alerts.tell import Channel

SMTP_CONNECTION_ID = "smtp_default"
WEBHOOK_CONNECTION_ID = "alert_webhook"
FAILURE_QUIET = timedelta(hours=1)
FAILURE_SUBJECT = "МЦУ: неполадки не отслеживаются"
FAILURE_TEXT = """<p>DAG alert_engineers не отработал ({fault}, запуск {run_id}). Пока он красный, о неполадках
никто не узнает.</p>
<p>Что делать: откройте журнал задачи alert_engineers. Обычно недоступна база (соединение warehouse), почтовый сервер
(smtp_default) или вебхук (alert_webhook). Пока сбои идут чаще раза в час, это письмо не повторяется.</p>"""


class AlertEngineersOperator(BaseOperator):
    """One look; returns the numbers of alerts that stand, are new and were told.

    Fails for another try while a way cannot tell, and for good, naming them, if it told but not all engineers.
    """

    def execute(self, context: Context) -> dict[str, int]:
        """One try."""
        from mcu.alerts import missed
        from mcu.alerts.tell import tell

        settings = Settings.from_env()
        channels = [*_mail(settings), *_webhook()]
        with closing(warehouse.connect()) as connection:
            missed.forget_ended(connection, partial(_is_active, context))
            look = tell(connection, settings, channels, datetime.now(UTC))
        if look.faults:
            raise AirflowException("; ".join([*look.faults, *look.refused]))
        if look.refused:
            raise AirflowFailException(f"told, but the mail server does not take: {'; '.join(look.refused)}")
        return {"standing": look.standing, "new": look.new, "told": look.told}


def _is_active(context: Context, dag_id: str, run_id: str) -> bool:
    """Whether Airflow still works on the run; not on one that was deleted."""
    return context["ti"].get_dr_count(dag_id, run_ids=[run_id], states=["queued", "running"]) > 0


def mail_failure(context: Context) -> None:
    """Mail that nobody looks any more; needs no warehouse. Not again while failed runs are less than an hour apart."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    recipients = Settings.from_env().alert_recipients
    run = context["dag_run"]
    earlier = context["ti"].get_previous_dagrun(state="failed")
    dates = (earlier.logical_date, run.logical_date) if earlier else (None, None)
    if recipients and not (dates[0] and dates[1] and dates[1] - dates[0] < FAILURE_QUIET):
        text = FAILURE_TEXT.format(fault=type(context.get("exception")).__name__, run_id=run.run_id)
        notifier = SmtpNotifier(
            to=list(recipients), subject=FAILURE_SUBJECT, html_content=text, smtp_conn_id=SMTP_CONNECTION_ID
        )
        notifier(context)


def _mail(settings: Settings) -> list[Channel]:
    from mcu.alerts import mail
    from mcu.alerts.tell import Channel, NotToldError
    from mcu.operators import mail_sender

    def send(message: Message) -> Sequence[str]:
        try:
            sender = mail_sender.from_connection()
            client = sender.open_session()
        except (AirflowException, OSError, smtplib.SMTPException) as error:
            raise NotToldError(f"mail: {type(error).__name__}: {error}") from error
        now = datetime.now(settings.timezone)
        wire = mail.build(message, sender.address, settings.alert_recipients, now)
        return mail.send(client, wire, sender.bare_address, settings.alert_recipients)

    return [Channel("mail", send)] if settings.alert_recipients else []


def _webhook() -> list[Channel]:
    from mcu.alerts import webhook
    from mcu.alerts.tell import Channel

    try:
        url = webhook_url(BaseHook.get_connection(WEBHOOK_CONNECTION_ID))
    except AirflowNotFoundException:
        return []
    return [Channel("webhook", lambda message: webhook.post(url, message))]


def webhook_url(connection: Connection) -> str:
    """`host` as an address, or host, port and schema apart; the password is the last part of the path."""
    host = connection.host or ""
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    if connection.port and "://" not in host:
        base += f":{connection.port}"
    return f"{base.rstrip('/')}/{connection.password}" if connection.password else base
