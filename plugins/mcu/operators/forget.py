"""Forgets an author, or single messages."""

from __future__ import annotations

from dataclasses import asdict

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from mcu.landing.forget import BuildIsRunningError, ForgetError, forget
from mcu.operators import warehouse
from mcu.settings import Settings


class ForgetAuthorOperator(BaseOperator):
    """Does what the run's parameters `author`, `message_ids` and `dry_run` say; returns counts, never the person."""

    def execute(self, context: Context) -> dict[str, int]:
        parameters = context["params"]
        try:
            done = forget(
                warehouse.dsn(),
                Settings.from_env().state,
                author=parameters["author"],
                message_ids=parameters["message_ids"],
                by=context["dag_run"].triggering_user_name or "unknown",
                run_id=context["run_id"],
                dry_run=parameters["dry_run"],
            )
        except BuildIsRunningError as error:
            raise AirflowException(str(error)) from None
        except ForgetError as error:
            raise AirflowFailException(str(error)) from None
        self.log.info("%s: %s", "Would be forgotten" if parameters["dry_run"] else "Forgotten", asdict(done))
        return asdict(done)
