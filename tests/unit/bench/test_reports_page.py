"""What a measurement of the editions must say to be within its targets, and that nothing it makes goes uncounted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bench.reports import CHARTS, MESSAGES, PDF, READ, STEPS, Made, editions
from bench.reports_page import render, targets
from mcu.reports.archive import Archive
from tests.unit.reports import made_up

SECONDS = dict.fromkeys(STEPS, 1.0) | {READ: 2.0, CHARTS: 15.0, PDF: 36.0}
MADE = Made(MESSAGES, 17, 57, 174, 90, 12.0, 300.0, 60.0, 50.0, SECONDS, dict.fromkeys(STEPS, 1.0))


def test_a_measurement_within_its_targets() -> None:
    assert [one.is_met for one in targets(MADE)] == [True, True]
    page = render(MADE, {"Processor": "a"})
    assert "missed" not in page
    assert "too few" not in page
    assert "| charts | matplotlib, PNG | 15.0 | 25% | 1.0 |" in page
    assert "| the rest | texts, settings | 3.0 | 5% | 43.0 |" in page
    assert "| all |  | 60.0 | 100% | 50.0 |" in page


@pytest.mark.parametrize(
    ("made", "missed"),
    [
        (replace(MADE, wall=60.1), [0]),
        (replace(MADE, editions=56), [0]),
        (replace(MADE, statements=17 * 57), [1]),
        (replace(MADE, messages=100_000), []),
    ],
)
def test_what_misses_its_target(made: Made, missed: list[int]) -> None:
    assert [n for n, one in enumerate(targets(made)) if not one.is_met] == missed
    assert ("**missed**" in render(made, {})) == bool(missed)
    assert ("too few for twelve weeks" in render(made, {})) == (made.messages < MESSAGES)


def test_a_busy_machine_is_named() -> None:
    busy = "**The machine was busy: of 60 seconds the editions had the processor for 20.**"
    assert busy in render(replace(MADE, processor=20.0), {})
    assert "busy" not in render(MADE, {})


def test_every_step_of_an_edition_is_counted(tmp_path: Path) -> None:
    made, data = Made(1), made_up.weekly()
    editions(made, data, ZoneInfo("Europe/Moscow"), Archive(tmp_path))
    assert made.editions == 1 + len(data.common.municipalities)
    assert {step for step, seconds in made.seconds.items() if seconds} == {*STEPS} - {READ}
    assert len(list(tmp_path.rglob("*.pdf"))) == made.editions
