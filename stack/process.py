"""A background process known by a pid file, with all that it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stack.paths import REPOSITORY

STOP_SECONDS = 15


@dataclass(frozen=True)
class Background:
    """A process named `name`; its pid file lies in `pid_folder`, its output goes to `log`."""

    name: str
    pid_folder: Path
    log: Path

    @property
    def pid_file(self) -> Path:
        return self.pid_folder / f"{self.name}.json"

    def find(self) -> psutil.Process | None:
        """The running process, None if it does not run. A pid that now belongs to another process is not ours."""
        record = self._record()
        try:
            process = psutil.Process(record["pid"])
            is_ours = _started(process.pid) == record["started"] and process.status() != psutil.STATUS_ZOMBIE
        except (KeyError, psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return None
        return process if is_ours else None

    def fingerprint(self) -> str | None:
        """What `start` was given."""
        return self._record().get("fingerprint")

    def start(self, command: Sequence[str], env: Mapping[str, str], fingerprint: str) -> None:
        """Start `command` in a session of its own, so that a ctrl-C in the terminal does not reach it."""
        self.pid_folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as output:
            child = subprocess.Popen(
                [sys.executable, *command],
                env=env,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {"pid": child.pid, "started": _started(child.pid), "fingerprint": fingerprint}
        half_written = self.pid_file.with_suffix(".new")
        half_written.write_text(json.dumps(record))
        half_written.rename(self.pid_file)

    def _record(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.pid_file.read_text()))
        except FileNotFoundError:
            return {}


def stop_all(processes: Sequence[Background]) -> None:
    """Stop the processes and everything they started: first asked, after 15 s killed."""
    running = [found for process in processes if (found := process.find())]
    families = [member for process in running for member in family_of(process)]
    for process in running:
        process.terminate()
    psutil.wait_procs(running, timeout=STOP_SECONDS)
    for member in families:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(families, timeout=STOP_SECONDS)
    for stopped in processes:
        stopped.pid_file.unlink(missing_ok=True)


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """The process, its descendants, and what else is in its session: children of a child that is gone."""
    members = {process, *process.children(recursive=True)}
    for other in psutil.process_iter():
        try:
            if os.getsid(other.pid) == process.pid:
                members.add(other)
        except ProcessLookupError:
            continue  # gone meanwhile
    return list(members)


def _started(pid: int) -> int:
    """When the process began, in clock ticks since the machine's start: with the pid it names a process."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[19])
