"""The bench measures real loads, and a wrong result stops it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from bench import inputs, run
from bench.inputs import Case
from bench.run import BARE, DAYS, OURS, measure
from bench.workbooks import INLINE, SHARED
from stack.paths import StackError
from stack.postgres import Cluster

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "KEPT", tmp_path / "exports")
    monkeypatch.setattr(run, "FOLDER", tmp_path)


def case(layout: str) -> Case:
    made = Case(layout, rows=200)
    made.make()
    return made


def test_real_loads_are_measured(postgres_server: Cluster) -> None:
    ours = replace(OURS, steps=("first", "copy"))  # the library takes seconds to import, in each step anew
    measured = list(measure(postgres_server, case(SHARED), (ours, BARE), rounds=1))
    assert [(one.contender, one.step) for one in measured] == [
        *((OURS.module, step) for step in ours.steps),
        *((BARE.module, step) for step in DAYS),
    ]
    assert all(0 < one.seconds < one.process_seconds and one.peak_mb > 10 for one in measured)
    parts = {one.step: set(one.parts) for one in measured if one.contender == OURS.module}
    assert parts["first"] == {"read", "stage", "validate", "publish", "docs"}
    assert parts["copy"] == set(), "the content was loaded before: its hash says so"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("delete from version where source_key = '30000001'", "199 messages, 0 changed, 199 versions; 200 and 0"),
        ("update version set note = 'x' where source_key = '30000001'", "200 messages, 1 changed, 200 versions"),
        ("insert into version select * from version", "200 messages, 0 changed, 400 versions"),
    ],
)
def test_a_wrong_result_stops_the_bench(
    postgres_server: Cluster, monkeypatch: pytest.MonkeyPatch, damage: str, says: str
) -> None:
    in_child = run._in_child

    def load_and_damage(contender: run.Contender, dsn: str, path: Path) -> object:
        done = in_child(contender, dsn, path)
        connection = psycopg2.connect(dsn)
        with connection, connection.cursor() as cursor:
            cursor.execute("alter table version drop constraint version_pkey")
            cursor.execute(damage)
        connection.close()
        return done

    monkeypatch.setattr(run, "_in_child", load_and_damage)
    with pytest.raises(StackError, match=says):
        next(measure(postgres_server, case(INLINE), (BARE,), rounds=1))
