"""Loader processes that stop or die at a chosen step, forked from one that has done the slow imports.

A step: a statement or commit on any connection to the warehouse, a chunk of COPY, the Data Docs. Steps are counted and
named in the order in which the process takes them; the product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from stack.paths import REPOSITORY


@dataclass(frozen=True)
class Order:
    """One run of a loader. It gets `signal` when it is about to take step `at`, counted from 0; None: never.

    `defect`: of `DEFECTS`, to be planted.
    """

    dsn: str
    source: str
    environment: dict[str, str]
    at: int | None = None
    signal: int = signal.SIGKILL
    defect: str | None = None


@dataclass(frozen=True)
class Ended:
    """What became of a run: `steps` it took or was about to take; the signal that killed or stopped it, else 0.

    `error`: the classes of the exception it ended with, the nearest first; `text`: its traceback.
    """

    pid: int
    signal: int
    steps: list[str]
    error: list[str] = field(default_factory=list)
    text: str = ""


class Forge:
    """The warm process that loaders are forked from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *orders: Order) -> list[Ended]:
        """Run loaders side by side until each has ended or stopped."""
        return self._ask({"run": [asdict(order) for order in orders]})

    def warm(self, order: Order) -> None:
        """Run a loader in the warm process itself: what the libraries find out once is found out."""
        self._ask({"warm": asdict(order)})

    def go_on(self, stopped: Ended) -> Ended:
        """Let a stopped loader run to its end."""
        (ended,) = self._ask({"go_on": stopped.pid})
        return ended

    def _ask(self, question: dict[str, Any]) -> list[Ended]:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return [Ended(**answer) for answer in json.loads(self._process.stdout.readline())]


@contextmanager
def forge() -> Iterator[Forge]:
    """A warm process, for as long as the `with` lasts."""
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'plugins'}{os.pathsep}{REPOSITORY}"}
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, env=environment, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Forge(process)
        assert process.stdin
        process.stdin.close()  # ends it


class _Steps:
    """Counts the steps of this process, writes their names into `pipe`, gives the signal."""

    def __init__(self, pipe: int, order: Order) -> None:
        self._pipe = pipe
        self._order = order
        self._taken = 0

    def take(self, name: str) -> None:
        os.write(self._pipe, f"{' '.join(name.split())[:100]}\n".encode())
        if self._taken == self._order.at:
            os.kill(os.getpid(), self._order.signal)
        self._taken += 1

    def watch(self) -> None:
        """From now on every connection of this process takes steps."""
        steps = self

        class StepCursor(Cursor):
            def execute(self, query: Any, vars: Any = None) -> None:
                text = query if isinstance(query, (str, bytes)) else query.as_string(self)
                steps.take(text.decode() if isinstance(text, bytes) else text)
                super().execute(query, vars)

            def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
                steps.take("copy")
                super().copy_expert(sql, cast("TextIO", _StepFile(file, steps)), size)

        class StepConnection(Connection):
            def commit(self) -> None:
                if self.get_transaction_status():  # else nothing is sent
                    steps.take("commit")
                super().commit()

        def connect(dsn: str | None = None, **parameters: Any) -> Connection:
            connection: Connection = plain_connect(dsn, connection_factory=StepConnection, **parameters)
            connection.cursor_factory = StepCursor
            return connection

        def publish_docs(*arguments: Any) -> Path:
            steps.take("data docs")
            return plain_publish(*arguments)

        from mcu.quality import docs

        plain_connect, plain_publish = psycopg2.connect, docs.publish
        psycopg2.connect = connect  # type: ignore[assignment]
        docs.publish = publish_docs


class _StepFile:
    """What COPY reads from; each chunk is a step."""

    def __init__(self, file: Any, steps: _Steps) -> None:
        self._file = file
        self._steps = steps

    def read(self, size: int) -> str:
        chunk: str = self._file.read(size)
        self._steps.take(f"a chunk of copy, {len(chunk)} characters")
        return chunk


# Defects to plant ---------------------------------------------------------------------------------


def _commit_in_publish() -> None:
    from mcu.landing.publish import _Statements

    note_sightings = _Statements.note_sightings

    def commit_first(self: _Statements) -> None:
        self._cursor.connection.commit()
        note_sightings(self)

    _Statements.note_sightings = commit_first  # type: ignore[method-assign]


def _leave_orphans() -> None:
    from mcu.landing import stage

    stage.drop_orphans = lambda *_: None


def _leave_running() -> None:
    from mcu.landing import ledger

    @contextmanager
    def only_run(*_: object) -> Iterator[None]:
        yield

    ledger.only_run = only_run  # type: ignore[assignment]


DEFECTS: dict[str, Callable[[], None]] = {
    "publish commits in its middle": _commit_in_publish,
    "orphans are left": _leave_orphans,
    "runs do not wait or tidy up": _leave_running,
}


# The warm process ---------------------------------------------------------------------------------


def _serve() -> None:
    """Carry out the orders that come as lines on the standard input."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    from mcu.landing import inbox

    tqdm.monitor_interval = 0  # else a thread that watches progress bars
    inbox.PAUSE_SECONDS = 0
    pipes: dict[int, int] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "warm" in question:
            _run(Order(**question["warm"]))
            assert threading.active_count() == 1, "a lock of another thread would stay locked in a fork"
        pids = [question["go_on"]] if "go_on" in question else []
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        for order in question.get("run", ()):
            pid, pipe = _fork(Order(**order))
            pipes[pid] = pipe
            pids.append(pid)
        print(json.dumps([_await(pid, pipes) for pid in pids]), flush=True)


def _fork(order: Order) -> tuple[int, int]:
    """The pid of a loader and the pipe that its steps and its end come through."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    os.close(read)
    _load(order, write)


def _load(order: Order, pipe: int) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        if order.defect:
            DEFECTS[order.defect]()
        _Steps(pipe, order).watch()
        _run(order)
    except BaseException as error:
        classes = [kind.__name__ for kind in type(error).__mro__]
        os.write(pipe, f"\0{json.dumps([classes, traceback.format_exc()])}".encode())
    finally:
        os._exit(0)


def _run(order: Order) -> None:
    from mcu.landing.load import Loader
    from mcu.settings import Settings

    Loader(order.dsn, order.source, Settings.from_env(order.environment), "a run").run()


def _await(pid: int, pipes: dict[int, int]) -> dict[str, Any]:
    """What became of a loader. Its pipe takes 64 KiB before somebody must read: enough for all steps."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    os.set_blocking(pipes[pid], False)
    told = b""
    while chunk := _read(pipes[pid]):
        told += chunk
    if os.WIFSTOPPED(status):
        number = os.WSTOPSIG(status)
    else:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        os.close(pipes.pop(pid))
    steps, _, end = told.decode().partition("\0")
    error, text = json.loads(end) if end else ([], "")
    return asdict(Ended(pid, number, steps.splitlines(), error, text))


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1 << 16)
    except BlockingIOError:
        return b""


if __name__ == "__main__":
    _serve()
