"""Data Docs of several processes in one folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
from itertools import count
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


def test_killed_while_it_writes_any_of_its_files(
    warehouse_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees half a page, and the next publication goes well."""
    gate = Gate(warehouse_dsn)
    for batch in ("a.xlsx", "b.xlsx"):
        gate.validate(suites.path("pos"), POS_ROWS, batch)
    fork = multiprocessing.get_context("fork")
    write = Path.write_bytes
    left = 0
    monkeypatch.setattr(docs, "KEPT_RESULTS", 1000)

    def write_half_of_the_last(path: Path, content: bytes) -> int:
        nonlocal left
        left -= path.name.endswith((".html.part", ".json.part"))  # the others are the same each time
        if left < 0:
            write(path, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, content)

    docs.publish(gate.results[:1], tmp_path)
    for kills in count():
        left = kills
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", write_half_of_the_last)
            process = fork.Process(target=docs.publish, args=(gate.results[1:], tmp_path))
            process.start()
            process.join(120)
        before = check_pages(tmp_path)
        docs.publish(gate.results[:1], tmp_path)
        assert check_pages(tmp_path) > before
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert kills >= 3, "a result, its page, the index"


def check_pages(folder: Path) -> int:
    """All files are whole; how many pages of results the index leads to, all of which exist."""
    for page in folder.rglob("*.html"):
        assert page.read_text(encoding="utf-8").rstrip().endswith("</html>"), page
    for result in folder.rglob("*.json"):
        json.loads(result.read_text(encoding="utf-8"))
    pages = set(re.findall(r"validations/[^\"']+?\.html", (folder / "index.html").read_text(encoding="utf-8")))
    assert [page for page in pages if not (folder / page).exists()] == []
    return len(pages)
