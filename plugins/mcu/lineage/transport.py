"""The only way out for events: to MCU_LINEAGE and nowhere else, and no facet of a run that can tell of a person.

What a run was started with (whom to forget, to whom to send), notes, who started it and what an error said stay here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attr
from openlineage.client.client import Event
from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport
from openlineage.client.transport.noop import NoopConfig, NoopTransport
from openlineage.client.transport.transport import Config, Transport

# Named one by one: what a later version of a library adds stays here, too.
TOLD_OF_A_RUN = ("parent", "nominalTime", "processing_engine", "airflowState", "dbt_run", "dbt_version")

# A server that is down holds up no task for long: each event is tried twice.
PATIENCE = {"timeout": 5, "retry": {"total": 1, "connect": 1, "read": 1}}


class WithoutPersons(Transport):
    """Posts to an http(s) address, or writes a file an event into a folder; does nothing if neither is set."""

    kind = "mcu"
    config_class = Config

    def __init__(self, _: Config) -> None:
        self.way = way_out(os.environ.get("MCU_LINEAGE", ""), os.environ.get("MCU_LINEAGE_KEY", ""))

    def emit(self, event: Event) -> Any:
        """Raises what the way out does; Airflow's provider logs it, and the task goes on."""
        return self.way.emit(without_persons(event) if isinstance(event, RunEvent) else event)

    def close(self, timeout: float = -1) -> bool:
        return self.way.close(timeout)


def way_out(where: str, key: str) -> Transport:
    """`where`: an http(s) address or a folder, which is made; `key`: what the server knows us by, may be empty."""
    if not where:
        return NoopTransport(NoopConfig())
    if where.startswith(("http://", "https://")):
        auth = {"type": "api_key", "apiKey": key} if key else {}
        return HttpTransport(HttpConfig.from_dict({"url": where, "auth": auth, **PATIENCE}))
    folder = Path(where)
    folder.mkdir(parents=True, exist_ok=True)
    return FileTransport(FileConfig(log_file_path=str(folder / "event")))


def without_persons(event: RunEvent) -> RunEvent:
    """The event with those facets of its run alone that are named above."""
    facets = {name: facet for name, facet in (event.run.facets or {}).items() if name in TOLD_OF_A_RUN}
    return attr.evolve(event, run=attr.evolve(event.run, facets=facets))
