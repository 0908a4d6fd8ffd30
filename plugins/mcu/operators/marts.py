"""Operators of `build_marts`: open the build, one dbt layer, check, publish."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from mcu.landing import ledger
from mcu.operators import warehouse
from mcu.settings import Settings
from mcu.transform import build, checks, dbt, marts

if TYPE_CHECKING:
    from mcu.operators.lineage import Told

BEGIN_TASK = "begin"


class BeginBuildOperator(BaseOperator):
    """Opens a row in `ops.mart_build`; returns its id, by which the later tasks know the build.

    A run that an asset started skips when an earlier one has built everything: both sources tell of their news.
    """

    def execute(self, context: Context) -> int:
        settings = Settings.from_env()
        with closing(warehouse.connect()) as connection:
            if context["dag_run"].run_type == "asset_triggered" and not any(
                ledger.has_news(connection, source) for source in settings.sources
            ):
                raise AirflowSkipException("Every published load is in the marts.")
            opened = marts.begin(
                connection,
                context["run_id"],
                settings.sources,
                dbt.fingerprint(settings),
                full_refresh=bool(context["params"].get("full_refresh")),
            )
            return opened.build_id


class BuildOperator(BaseOperator):
    """A step of the build that `begin` opened; a fault of the data fails it once, without retries."""

    def build_id(self, context: Context) -> int:
        """Id of the row in `ops.mart_build`."""
        return int(context["ti"].xcom_pull(task_ids=BEGIN_TASK))

    def refuse(self, context: Context, reasons: list[str]) -> None:
        """Close the build as failed and fail the task, naming every reason."""
        with closing(warehouse.connect()) as connection:
            marts.fail(connection, self.build_id(context))
        raise AirflowFailException("The marts stay as they were:\n" + "\n".join(reasons))


class DbtLayerOperator(BuildOperator):
    """Runs `dbt build` for one layer and keeps each node's result in `ops.dbt_result`."""

    def __init__(self, *, layer: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.artefacts: Path | None = None  # of dbt, once it has run

    def execute(self, context: Context) -> None:
        settings = Settings.from_env()
        with closing(warehouse.connect()) as connection:
            outcome = build.build_layers(
                warehouse.dsn(), connection, settings, self.build_id(context), (self.layer,), settings.state / "dbt"
            )
        self.artefacts = outcome.target
        if outcome.is_transport_fault:
            raise AirflowException("dbt could not work, see its output above; what has been built is built again.")
        if outcome.returncode != 0:
            self.refuse(context, outcome.failures)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Told:
        """Nothing of the task itself: each model and test of dbt tells of itself, as a child of it."""
        from mcu.lineage import models
        from mcu.lineage.names import Flow, Warehouse
        from mcu.operators import lineage

        if self.artefacts is None:
            return lineage.told(Flow())
        place, parent = Warehouse.of(warehouse.dsn()), lineage.parent(task_instance)
        with closing(warehouse.connect()) as connection:
            told = models.events(dbt.DBT_PROJECT, self.artefacts, connection, place, lineage.namespace(), parent)
            lineage.send(told)
        return lineage.told(Flow())


class CheckMartsOperator(BuildOperator):
    """Asks Great Expectations about the weekly marts before anybody reads them."""

    def execute(self, context: Context) -> None:
        with closing(warehouse.connect()) as connection:
            is_delta = marts.get(connection, self.build_id(context)).is_delta
            failed = checks.check_marts(warehouse.dsn(), connection, Settings.from_env().state, is_delta)
        if failed:
            self.refuse(context, failed)


class PublishMartsOperator(BuildOperator):
    """Swaps the checked marts in; returns their names."""

    def execute(self, context: Context) -> list[str]:
        with closing(warehouse.connect()) as connection:
            return marts.publish(connection, self.build_id(context))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Told:
        """What was built aside → what readers see."""
        from mcu.lineage import publication
        from mcu.lineage.names import Warehouse
        from mcu.operators import lineage

        with closing(warehouse.connect()) as connection:
            return lineage.told(publication.flow(connection, Warehouse.of(warehouse.dsn())))

    # A publication that failed changed nothing.
    def get_openlineage_facets_on_failure(self, task_instance: Any) -> None:
        """Nothing."""
