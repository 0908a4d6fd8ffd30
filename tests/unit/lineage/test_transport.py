"""The way out lets nothing pass that can tell of a person, and leads nowhere unless it is told where to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.providers.openlineage.plugins.facets import AirflowDagRunFacet, AirflowRunFacet
from openlineage.client.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, parent_run
from openlineage.client.transport.http import HttpTransport
from openlineage.client.transport.noop import NoopTransport

from mcu.lineage.transport import way_out
from stack.environment import LINEAGE, NO_TELEMETRY
from stack.paths import REPOSITORY

RUN_ID = "01a00000-0000-7000-8000-000000000000"
PERSONS = ("Иванов Иван", "manager@mcu.example", "Key (author)=(Петров) exists", "duty")


def event() -> RunEvent:
    """A task that was started with a name, and failed with another one."""
    author, recipient, error, started_by = PERSONS
    run = {"conf": {"author": author, "recipient": recipient}, "triggering_user_name": started_by, "note": author}
    facets = {
        "airflow": AirflowRunFacet(dag={}, dagRun=run, task={}, taskInstance={"note": author}, taskUuid=RUN_ID),
        "airflowDagRun": AirflowDagRunFacet(dag={}, dagRun=run),
        "errorMessage": error_message_run.ErrorMessageRunFacet(error, "python", stackTrace=error),
        "parent": parent_run.ParentRunFacet(parent_run.Run(RUN_ID), parent_run.Job("mcu", "forget_author")),
    }
    return RunEvent(
        eventTime="2026-11-23T05:00:00Z",
        eventType=RunState.FAIL,
        run=Run(RUN_ID, facets),
        job=Job("mcu", "forget_author.forget"),
        producer="https://mcu.example",
    )


def test_what_a_run_was_started_with_and_what_its_error_said_stays_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCU_LINEAGE", str(tmp_path / "lineage"))
    transport = json.loads(LINEAGE["AIRFLOW__OPENLINEAGE__TRANSPORT"])
    OpenLineageClient(config={"transport": transport}).emit(event())
    (file,) = (tmp_path / "lineage").iterdir()
    text = file.read_text(encoding="utf-8")
    told = json.loads(text)
    assert set(told["run"]["facets"]) == {"parent"}
    assert told["job"]["name"] == "forget_author.forget"
    assert told["eventType"] == "FAIL"
    unescaped = json.dumps(told, ensure_ascii=False)
    assert [person for person in PERSONS if person in text or person in unescaped] == []


def test_without_the_setting_there_is_no_way_out() -> None:
    assert isinstance(way_out("", ""), NoopTransport)


def test_a_server_may_ask_for_a_key() -> None:
    way = way_out("https://lineage.mcu.example", "of the server")
    assert isinstance(way, HttpTransport)
    assert way.config.auth.get_bearer() == "Bearer of the server"
    assert way.config.timeout == 5


@pytest.mark.parametrize(("disabled", "listeners"), [("True", 0), ("False", 1)])
def test_airflow_loads_no_listener_unless_it_is_switched_on(tmp_path: Path, disabled: str, listeners: int) -> None:
    program = (
        "from airflow.providers.openlineage.plugins.openlineage import OpenLineageProviderPlugin as plugin;"
        "print('listeners', len(plugin.listeners))"
    )
    environment = {
        **NO_TELEMETRY,
        **LINEAGE,
        "AIRFLOW__OPENLINEAGE__DISABLED": disabled,
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": "plugins",
        "PATH": "",
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert f"listeners {listeners}" in done.stdout
