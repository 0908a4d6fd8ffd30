"""The bench's page says what was measured, and a missed target is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bench.report import JUDGED, NOT_MEASURED, Results, render, targets
from bench.run import BARE, CONTENDERS, DAYS, DLT, OURS, PANDAS, Contender, Measurement
from bench.workbooks import INLINE, LAYOUTS, SHARED

MACHINE = {"Processor": "abacus"}
LARGE = 300_000
PARTS = {"read": 4.0, "stage": 1.0, "validate": 1.0, "publish": 1.0, "docs": 0.5}


def one(contender: Contender, layout: str, step: str, seconds: float, rows: int = JUDGED) -> Measurement:
    parts = PARTS if contender == OURS and step != "copy" else {}
    return Measurement(contender.module, layout, rows, step, 0, seconds, seconds + 1, 250, parts, file_mb=79.4)


def good_run() -> Iterator[Measurement]:
    """Every target is met."""
    seconds = {PANDAS: 100.0, DLT: 40.0, OURS: 10.0, BARE: 8.0}
    for layout in LAYOUTS:
        for contender in CONTENDERS:
            if layout == SHARED and contender in (PANDAS, DLT):
                continue
            for step in contender.steps:
                yield one(contender, layout, step, 0.1 if step == "copy" else seconds.get(contender, 20.0))
        for step in ("first", "next day"):
            yield one(OURS, layout, step, 30, LARGE)


def changed(where: Callable[[Measurement], bool], change: Callable[[Measurement], Measurement]) -> list[Measurement]:
    return [change(found) if where(found) else found for found in good_run()]


def missed(measurements: list[Measurement]) -> dict[str, str]:
    return {found.subject: found.measured for found in targets(Results(measurements)) if not found.is_met}


def ours(step: str, layout: str = INLINE, rows: int = JUDGED) -> Callable[[Measurement], bool]:
    return lambda found: (found.contender, found.layout, found.rows, found.step) == (OURS.module, layout, rows, step)


def test_a_good_run_meets_every_target() -> None:
    assert missed(list(good_run())) == {}
    assert "missed**" not in render(good_run(), MACHINE)


def test_a_slow_load_misses_its_targets() -> None:
    measured = changed(ours("again"), lambda found: replace(found, seconds=13.0))
    assert missed(measured) == {
        "again, inline strings: seconds": "1.62 × bare",
        "again, inline strings: speed": "7.7 × pandas (openpyxl) → ON CONFLICT",
    }
    page = render(measured, MACHINE)
    assert page.count("**missed**") == 2
    assert "| again, inline strings: seconds | ≤ 1.50 × bare | 1.62 × bare | **missed** |" in page
    assert "| again, shared strings: seconds | ≤ 1.50 × bare | 1.25 × bare | yes |" in page


@pytest.mark.parametrize(
    ("step", "layout", "rows", "change", "subject", "shown"),
    [
        ("first", SHARED, JUDGED, {"seconds": 12.1}, "first, shared strings: seconds", "1.51 × bare"),
        ("copy", SHARED, JUDGED, {"seconds": 0.6}, "the same file, shared strings: seconds", "6.0% of the first load"),
        (
            "copy", INLINE, JUDGED, {"parts": {"read": 1.0}},
            "the same file, inline strings: reading, staging, checking", "1 s",
        ),
        (
            "next day", INLINE, JUDGED, {"parts": {**PARTS, "docs": 1.1}},
            "next day, inline strings: validation", "21% of the load",
        ),
        ("first", INLINE, JUDGED, {"peak_mb": 301}, "inline strings: peak memory", "301 MB"),
        (
            "next day", SHARED, LARGE, {"peak_mb": 280},
            "shared strings: peak memory at 300,000 rows", "1.12 × that at 100,000 rows",
        ),
    ],
)  # fmt: skip
def test_each_target_can_be_missed(
    step: str, layout: str, rows: int, change: dict[str, object], subject: str, shown: str
) -> None:
    measured = changed(ours(step, layout, rows), lambda found: replace(found, **change))  # type: ignore[arg-type]
    assert missed(measured) == {subject: shown}


@pytest.mark.parametrize("contender", [PANDAS, DLT])
def test_a_fast_contender_misses_the_target(contender: Contender) -> None:
    measured = changed(
        lambda found: found.contender == contender.module and found.step == "again",
        lambda found: replace(found, seconds=25.0),
    )
    assert missed(measured) == {"again, inline strings: speed": f"2.5 × {contender.title}"}


def test_what_was_not_measured_is_not_met() -> None:
    assert set(missed([]).values()) == {NOT_MEASURED}
    assert len(missed([])) == len({found.subject for found in targets(Results([]))})
    without_large = [found for found in good_run() if found.rows != LARGE]
    assert missed(without_large) == {
        f"{layout} strings: peak memory at 300,000 rows": NOT_MEASURED for layout in LAYOUTS
    }
    without_dlt = [found for found in good_run() if found.contender != DLT.module]
    assert missed(without_dlt) == {f"{step}, inline strings: speed": NOT_MEASURED for step in DAYS[1:]}


def test_rounds_give_the_median_of_seconds_and_the_most_of_memory() -> None:
    measured = [
        replace(one(OURS, INLINE, "first", seconds), round=number, peak_mb=mb, parts={"read": seconds / 2})
        for number, (seconds, mb) in enumerate([(1.0, 210), (9.0, 230), (2.0, 220)])
    ]
    results = Results(measured)
    assert results.seconds(OURS, INLINE, JUDGED, "first") == 2.0
    assert results.peak_mb(OURS, INLINE, JUDGED, "first") == 230
    assert results.part(INLINE, JUDGED, "first", "read") == 1.0
    assert results.share(INLINE, JUDGED, "first", "read") == 0.5
    assert results.rounds(OURS, INLINE, JUDGED) == 3
    assert results.seconds(OURS, SHARED, JUDGED, "first") is None


def test_the_page_holds_tables_parts_memory_and_the_machine() -> None:
    page = render(good_run(), MACHINE)
    first, again, next_day = (f"{seconds} | 250 | {ratio}" for seconds, ratio in [("100.00", "10.00")] * 3)
    assert f"| pandas (openpyxl) → ON CONFLICT | {first} | {again} | {next_day} | 1 |" in page
    assert "| **this loader** | 10.00 | 250 | 1.00 | 10.00 | 250 | 1.00 | 10.00 | 250 | 1.00 | 1 |" in page
    assert "### 100,000 rows, shared strings (79 MB)" in page
    assert page.count("| pandas (openpyxl) → ON CONFLICT | – |") == 1, "not measured with shared strings"
    assert "### 300,000 rows" not in page, "nobody to compare with there"
    assert "| 100,000 rows, inline, first | 4.00 | 1.00 | 1.00 | 1.00 | 0.50 | 2.50 | 10.00 | 15% |" in page
    assert "| shared | 300,000 rows | 79 MB | 250 | – | – | 250 |" in page
    assert "| Processor | abacus |" in page
