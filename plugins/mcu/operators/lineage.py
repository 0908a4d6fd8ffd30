"""Airflow's side of lineage: the run of a task as a parent, and events that go out beside the task's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from mcu.lineage.names import Flow

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import RunEvent
    from openlineage.common.provider.dbt import ParentRunMetadata

    Told: TypeAlias = OperatorLineage[Any, Any]


def told(flow: Flow) -> Told:
    """The flow as the provider wants it."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(inputs=[*flow.inputs], outputs=[*flow.outputs])


def namespace() -> str:
    """Of all jobs of this installation."""
    from airflow.providers.openlineage import conf

    return str(conf.namespace())


def parent(task_instance: Any) -> ParentRunMetadata:
    """The run of the task, in that of its DAG."""
    from airflow.providers.openlineage.plugins import macros
    from openlineage.common.provider.dbt import ParentRunMetadata

    return ParentRunMetadata(
        run_id=macros.lineage_run_id(task_instance),
        job_name=macros.lineage_job_name(task_instance),
        job_namespace=namespace(),
        root_parent_run_id=macros.lineage_root_run_id(task_instance),
        root_parent_job_name=macros.lineage_root_job_name(task_instance),
        root_parent_job_namespace=macros.lineage_root_job_namespace(task_instance),
    )


def send(events: Iterable[RunEvent]) -> None:
    """To where the task's own events go."""
    from airflow.providers.openlineage.api import emit

    for event in events:
        emit(event)
