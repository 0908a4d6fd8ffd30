"""Measures: each load in a process of its own, the steps of one contender in a database of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from bench.environment import FOLDER, contenders_python
from bench.inputs import Case
from bench.messages import CHANGED_FIELD
from mcu.landing import schema
from stack.environment import NO_TELEMETRY
from stack.paths import REPOSITORY, StackError
from stack.postgres import Cluster

DAYS = ("first", "again", "next day")


@dataclass(frozen=True)
class Contender:
    """`module`: of bench.contenders; `steps`: what it loads, in this order; `rounds`: how often all of it is done."""

    module: str
    title: str
    steps: tuple[str, ...] = DAYS
    rounds: int = 1
    is_foreign: bool = True  # runs in the environment of the others


OURS = Contender("ours", "this loader", ("first", "copy", "again", "next day"), rounds=2, is_foreign=False)
BARE = Contender("bare", "bare: streamed, hashed, only changes typed and sent", rounds=2, is_foreign=False)
UNPACK = Contender("unpack", "unpacking the workbook, nothing else", ("first",), rounds=2, is_foreign=False)
PANDAS = Contender("pandas_upsert", "pandas (openpyxl) → ON CONFLICT")
DLT = Contender("dlt_merge", "dlt, given a fast reader")
COPY_ALL = Contender("polars_copy_all", "fastexcel → polars → COPY all → merge by hash")
COPY_NEW = Contender("polars_copy_new", "the same, sending only rows whose (key, hash) is not there")
CONTENDERS = (PANDAS, DLT, COPY_ALL, COPY_NEW, BARE, OURS, UNPACK)


@dataclass(frozen=True)
class Measurement:
    """One load. `seconds` without the start of the process and its imports, `process_seconds` with them.

    `parts`: seconds by phase, of those who tell; `file_mb`: size of the workbook.
    """

    contender: str
    layout: str
    rows: int
    step: str
    round: int
    seconds: float
    process_seconds: float
    peak_mb: float
    parts: dict[str, float]
    file_mb: float


def measure(cluster: Cluster, case: Case, contenders: Iterable[Contender], rounds: int) -> Iterator[Measurement]:
    """All steps of all contenders with the files of one case; in each round one contender after the other."""
    for number in range(rounds):
        for contender in contenders:
            if number < contender.rounds:
                yield from _measure_steps(cluster, case, contender, number)


def _measure_steps(cluster: Cluster, case: Case, contender: Contender, number: int) -> Iterator[Measurement]:
    with _database(cluster) as dsn, _folder() as folder:
        for step in contender.steps:
            path = folder / "inbox" / case.files[step].name
            path.hardlink_to(case.files[step])
            done = _in_child(contender, dsn, path)
            if holds := done.pop("holds"):
                _check(contender, dsn, case.expected(step), *holds)
            _settle(cluster, dsn)
            yield Measurement(
                contender.module, case.layout, case.rows, step, number, **done, file_mb=path.stat().st_size / 1e6
            )


def _in_child(contender: Contender, dsn: str, path: Path) -> dict[str, Any]:
    python = contenders_python() if contender.is_foreign else sys.executable
    _bring_into_cache(path)
    started = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "bench.child", f"bench.contenders.{contender.module}", dsn, str(path)],
        env=_environment(path.parent.parent), cwd=REPOSITORY, text=True, capture_output=True, check=False,
    )  # fmt: skip
    process_seconds = time.perf_counter() - started
    if done.returncode:
        raise StackError(f"{contender.title} failed with {path.name}:\n{done.stderr[-5000:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": process_seconds}


def _environment(home: Path) -> dict[str, str]:
    """Without what would steer the tools from outside; whatever they keep lies below `home`."""
    return {
        **NO_TELEMETRY,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(home / "dlt"),
        "HOME": str(home),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "plugins"))),
    }


def _bring_into_cache(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def _check(contender: Contender, dsn: str, expected: tuple[int, int], table: str, key: str) -> None:
    """Raises StackError unless the messages are there, the changed ones changed, and nothing is stored twice."""
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select count(distinct {key}), count({CHANGED_FIELD}), count(*) from {table}")
        ((messages, changed, versions),) = cursor.fetchall()
    connection.close()
    if (messages, changed) != expected or versions not in (messages, messages + changed):
        raise StackError(
            f"{contender.title} ended with {messages} messages, {changed} changed, {versions} versions; "
            f"{expected[0]} and {expected[1]} were expected"
        )


@contextmanager
def _database(cluster: Cluster) -> Iterator[str]:
    """The DSN of a fresh database with the warehouse's schema."""
    cluster.ensure_database("bench")
    connection = psycopg2.connect(cluster.dsn("bench"))
    schema.apply(connection, "the bench has no people")
    connection.close()
    try:
        yield cluster.dsn("bench")
    finally:
        with cluster.superuser() as session, session.cursor() as cursor:
            cursor.execute("drop database bench with (force)")


@contextmanager
def _folder() -> Iterator[Path]:
    """Where one contender finds its exports and keeps what it likes."""
    folder = FOLDER / "run"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "inbox").mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _settle(cluster: Cluster, dsn: str) -> None:
    """What a night does between two exports, so that no load pays for the one before it."""
    with cluster.superuser(dsn.rsplit("/", 1)[1]) as connection, connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")
