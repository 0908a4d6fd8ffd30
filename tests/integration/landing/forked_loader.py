"""Loader processes that die or stop at a chosen step. Forked from this one, which has done the slow imports.

A step: a statement or commit on any connection to the warehouse, a chunk of COPY, the Data Docs. Steps are counted and
named in the order in which the process takes them; the product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from mcu.landing import ledger, stage
from mcu.landing.load import Loader
from mcu.landing.publish import _Statements
from mcu.quality import docs
from mcu.settings import Settings

SECONDS = 120  # for a run


@dataclass(frozen=True)
class Ended:
    """What became of a run: `steps` it took or was about to take; the signal that killed or stopped it, else 0.

    `error`: the classes of the exception it ended with, the nearest first; `text`: its traceback.
    """

    signal: int
    steps: list[str]
    error: list[str]
    text: str


class ForkedLoader:
    """A run in a process of its own, which begins at once. About to take step `at`, counted from 0, it gets `signal`.

    `defect` is planted in it.
    """

    def __init__(
        self,
        dsn: str,
        source: str,
        environment: Mapping[str, str],
        at: int | None = None,
        signal: int = signal.SIGKILL,
        defect: Callable[[], None] | None = None,
    ) -> None:
        self._told = b""
        self._pipe, write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _load(dsn, source, environment, _Steps(write, at, signal), defect)
        os.close(write)
        self.is_there = True

    def kill(self) -> None:
        """Kill it wherever it is; nothing if it has ended."""
        if self.is_there:
            os.kill(self._pid, signal.SIGKILL)
            self.wait()

    def go_on(self) -> Ended:
        """Let it run to its end after it stopped."""
        os.kill(self._pid, signal.SIGCONT)
        return self.wait()

    def wait(self) -> Ended:
        """Return when it has ended or stopped; raises TimeoutError after two minutes."""
        deadline = time.monotonic() + SECONDS
        while not (found := os.waitpid(self._pid, os.WUNTRACED | os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self._pid} neither ends nor stops")
            time.sleep(0.002)
        status = found[1]
        # 64 KiB are held for us meanwhile: more than a run has to tell.
        while select.select([self._pipe], [], [], 0)[0] and (chunk := os.read(self._pipe, 1 << 16)):
            self._told += chunk
        if os.WIFSTOPPED(status):
            number = os.WSTOPSIG(status)
        else:
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            os.close(self._pipe)
            self.is_there = False
        steps, _, end = self._told.decode().partition("\0")
        error, text = json.loads(end) if end else ([], "")
        return Ended(number, steps.splitlines(), error, text)


def _load(
    dsn: str, source: str, environment: Mapping[str, str], steps: _Steps, defect: Callable[[], None] | None
) -> NoReturn:
    try:
        if defect:
            defect()
        steps.watch()
        Loader(dsn, source, Settings.from_env(environment), "a run").run()
    except BaseException as error:
        steps.tell(f"\0{json.dumps([[kind.__name__ for kind in type(error).__mro__], traceback.format_exc()])}")
    finally:
        os._exit(0)


class _Steps:
    """Counts the steps of this process, writes their names into `pipe`, gives it the signal."""

    def __init__(self, pipe: int, at: int | None, signal: int) -> None:
        self._pipe = pipe
        self._at = at
        self._signal = signal
        self._taken = 0

    def tell(self, text: str) -> None:
        os.write(self._pipe, text.encode())

    def take(self, name: str) -> None:
        self.tell(f"{' '.join(name.split())[:100]}\n")
        if self._taken == self._at:
            os.kill(os.getpid(), self._signal)
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

        def publish_docs(results: Any, folder: Path) -> Path:
            steps.take("data docs")
            return plain_publish(results, folder)

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


# Defects to plant


def publish_commits_in_its_middle() -> None:
    note_sightings = _Statements.note_sightings

    def commit_first(self: _Statements) -> None:
        self._cursor.connection.commit()
        note_sightings(self)

    _Statements.note_sightings = commit_first  # type: ignore[method-assign]


def orphans_are_left() -> None:
    stage.drop_orphans = lambda *_: None


def interrupted_loads_are_not_closed() -> None:
    @contextmanager
    def only_run(connection: Connection, source: str) -> Iterator[None]:
        stage.drop_orphans(connection, source)
        yield

    ledger.only_run = only_run
