"""Data Docs of several processes in one folder."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from mcu.quality import docs, suites
from mcu.quality.gate import Gate

pytestmark = pytest.mark.postgres

POS_ROWS = """
    select
        n as row_number, n::text as source_key, false as is_key_conflict, date '2026-02-10' as exported_on,
        date '2020-01-01' as calendar_from,
        d as received_date, d as planned_date, d as completed_date, true as received_date_is_readable,
        true as planned_date_is_readable, true as completed_date_is_readable, date '2026-02-02' as received_date_parsed,
        date '2026-02-02' as planned_date_parsed, date '2026-02-02' as completed_date_parsed, 'Дороги' as category,
        'Ямы' as subcategory, 'Администрация' as org_received, 'Завершено' as stage, null::text as status,
        '9' as rating, 'Нет' as is_fast_track
    from generate_series(1, 500) as n
    cross join (values ('02.02.2026')) as day (d)
"""


def test_processes_that_publish_at_once_lose_no_page(warehouse_dsn: str, tmp_path: Path) -> None:
    gates = []
    for run in ("a", "b", "c"):
        gate = Gate(warehouse_dsn)
        gate.validate(suites.path("pos"), POS_ROWS, f"{run}.xlsx")
        gates.append(gate)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=docs.publish, args=(gate.results, tmp_path)) for gate in gates]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    pages = [page.as_posix() for page in tmp_path.glob("validations/**/*.html")]
    for run in ("a", "b", "c"):
        assert f"{run}.xlsx" in index
        assert sum(f"{run}.xlsx" in page for page in pages) == 1


def test_a_page_shows_sentences_and_some_values(warehouse_dsn: str, tmp_path: Path) -> None:
    gate = Gate(warehouse_dsn)
    broken = POS_ROWS.replace("date '2026-02-10' as exported_on", "date '2026-02-01' as exported_on")
    gate.validate(suites.path("pos"), broken, "x.xlsx", index=("row_number",))
    docs.publish(gate.results, tmp_path)
    (page,) = tmp_path.glob("validations/**/*.html")
    content = page.read_text(encoding="utf-8")
    assert "Не должно быть: Поступило позже, чем выгружено" in content
    assert "Не должно быть: Оценка вне 1–5" in content
    assert content.count("2026-02-02") < 200, "a page that names all 500 rows would grow with the export"
