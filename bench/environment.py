"""What the bench runs in: an environment for the other contenders, a server of its own, and which machine it is."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stack.paths import REPOSITORY, StackError
from stack.ports import free_port
from stack.postgres import Cluster

FOLDER = REPOSITORY / ".local" / "bench"
VENV = FOLDER / "venv"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
OTHERS = ("pandas", "openpyxl", "dlt", "fastexcel", "polars")


def contenders_python() -> str:
    """The Python of the other contenders' environment, made anew when its pins changed."""
    python, stamp = VENV / "bin" / "python", VENV / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = [sys.executable, "-m", "uv"]
        for command in (
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)],
            [*uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)],
        ):
            if subprocess.run(command, check=False).returncode:
                raise StackError("The packages that the bench compares with could not be installed: see above.")
        stamp.write_text(wanted)
    return str(python)


@contextmanager
def alone() -> Iterator[None]:
    """Be the only bench; raises StackError when another one runs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("Another `make bench` is at work: wait for it, or stop it.") from None
        yield


@contextmanager
def server() -> Iterator[Cluster]:
    """A server as in production, durable, for this run alone."""
    folder = FOLDER / "cluster"
    cluster = Cluster(folder / "postgres", folder / "secrets")
    cluster.stop()  # of a run that was killed
    shutil.rmtree(folder, ignore_errors=True)
    try:
        cluster.start(free_port())
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def in_a_process(module: str, *arguments: str) -> Any:
    """What `python -m module` prints as JSON in its last line; raises StackError with the end of its output."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackError(f"{module} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def machine(cluster: Cluster) -> dict[str, str]:
    """What the figures hold for, by name."""
    with cluster.superuser() as connection, connection.cursor() as cursor:
        shown = {}
        for name in ("server_version", "shared_buffers", *DURABILITY):
            cursor.execute(f"show {name}")
            ((shown[name],),) = cursor.fetchall()
    durability = ", ".join(f"{name} = {shown[name]}" for name in DURABILITY)
    return {
        "Processor": f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.0f} GB",
        "Python": sys.version.split()[0],
        "PostgreSQL": f"{shown['server_version']}; {durability}, shared_buffers = {shown['shared_buffers']}",
        "Beside it": ", ".join(_pins()),
    }


def busy() -> dict[str, str]:
    """What else the machine does, before the run."""
    return {"Busy before the run": f"{os.getloadavg()[0]:.1f} processes (load of the last minute)"}


def _first(file: str, name: str) -> str:
    found = re.search(rf"^{name}\s*: (.*)$", Path(file).read_text(), re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _pins() -> Iterator[str]:
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
    yield from (f"{name} {pins[name]}" for name in OTHERS)
