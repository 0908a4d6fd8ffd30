"""Every broken export at the reader: rows, or a refusal that says what to do; and the docs say the same."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mcu.settings import PROJECT
from mcu.sources import markup, package, xlsx
from mcu.sources.workbook import ExportError, open_export
from tests.broken_exports import CASES, PASSED_OVER, QUARANTINED, REFUSED, WARNED, Case
from tests.packages import MAIN, header, write_package

DOCS = PROJECT / "docs" / "broken_exports.md"
KEY = 1_000_000
WHAT_TO_DO = re.compile("Выгрузите|Снимите|Дождитесь|Оставьте|Пересохраните")


def written(case: Case, folder: Path) -> Path:
    path = case.path(folder, 1)
    case.write(path, KEY)
    return path


@pytest.mark.parametrize("case", [case for case in CASES if case.happens == REFUSED], ids=lambda case: case.wrong)
def test_it_is_refused(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    with pytest.raises(ExportError) as refusal:
        read(path)
    assert str(refusal.value).startswith(f"{path.name}: ")
    assert case.message in str(refusal.value)
    assert WHAT_TO_DO.search(str(refusal.value))
    assert (refusal.value.source or "unknown") == case.source


@pytest.mark.parametrize("case", [case for case in CASES if case.happens != REFUSED], ids=lambda case: case.wrong)
def test_all_its_rows_are_read(case: Case, tmp_path: Path) -> None:
    rows = read(written(case, tmp_path))
    if case.happens != PASSED_OVER:
        assert tuple(rows) == tuple(case.rows)
    if case.stored:
        assert {**rows[case.rows[0]], **case.stored} == rows[case.rows[0]]


def read(path: Path) -> dict[int, dict[str, str | None]]:
    """Fields by row number."""
    with open_export(path) as export:
        return {row.row_number: dict(zip(export.fields, row.values, strict=True)) for row in export.rows()}


def test_the_docs_have_every_case() -> None:
    """Line by line, in the corpus's order: neither can change without the other."""
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [line for line in lines if not line.startswith("| what is wrong ")] == [
        as_documented(case) for case in CASES
    ]


def as_documented(case: Case) -> str:
    return f"| {case.wrong} | {case.happens} | {case.message} |"


def test_cases_are_told_apart() -> None:
    assert len({case.wrong for case in CASES}) == len(CASES)
    for case in CASES:
        assert bool(case.message) == (case.happens in (REFUSED, QUARANTINED, WARNED)), case.wrong


# Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "module", "limit"),
    [
        ("zip bomb", package, "MAX_UNPACKED"),
        ("styles of more than 8 MiB", package, "MAX_SMALL_PART"),
        ("a row of more than 16 MiB", markup, "MAX_PIECE"),
        ("an endless row whose end tags are hidden", markup, "MAX_PIECE"),
        ("elements nested deep", markup, "MAX_DEPTH"),
        ("1,002 sheets", xlsx, "MAX_SHEETS"),
    ],
)
def test_without_the_limit_it_would_not_be_seen(
    wrong: str, module: object, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case is refused for this limit and nothing else."""
    (case,) = (case for case in CASES if case.wrong == wrong)
    monkeypatch.setattr(module, limit, 1 << 60)
    monkeypatch.setattr("mcu.sources.sheet.MAX_PIECE", 1 << 60)
    try:
        read(written(case, tmp_path))
    except ExportError as refusal:
        assert case.message not in str(refusal)  # noqa: PT017 — it may well be refused for something else


BOMB = 200 << 20  # bytes unpacked; a thousand times less packed
PROGRAM = """
import re, sys
from pathlib import Path
from mcu.sources import markup, sheet
from mcu.sources.workbook import ExportError, open_export

def most_memory():  # unlike ru_maxrss it knows nothing of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) >> 10

markup.MAX_PIECE = sheet.MAX_PIECE = int(sys.argv[2])
before = most_memory()
try:
    with open_export(Path(sys.argv[1])) as export:
        for row in export.rows():
            pass
except (ExportError, MemoryError) as refusal:
    print(type(refusal).__name__, str(refusal)[:200])
print(most_memory() - before)
"""
MEMORY = 100  # MiB


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sheets that unfold to one endless thing."""
    folder = tmp_path_factory.mktemp("bombs")
    start = f'<worksheet {MAIN}><sheetData>{header()}<row r="2">'.encode()
    found = {}
    for name, before, filler in (
        ("cell", b"<c><v>", b"a"),
        ("tags", b"", b"<a>"),
        ("hidden", b"<c><v><![CDATA[", b"a" * 200 + b"</row>"),
        ("comment", b"<!--", b"a" * 200 + b"</row>"),
    ):
        path = found[name] = write_package(folder / f"{name}.xlsx", "", {"xl/sheet1.xml": None})
        block = filler * ((1 << 20) // len(filler))
        with (
            zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("xl/sheet1.xml", "w") as part,
        ):
            part.write(start + before)
            for _ in range(BOMB >> 20):
                part.write(block)
    return found


def explode(path: Path, max_piece: int = markup.MAX_PIECE) -> tuple[str, int]:
    """What reading the file in a process of its own ends with, and the MiB that it takes."""
    environment = {"PYTHONPATH": str(PROJECT / "plugins")}
    arguments = [sys.executable, "-c", PROGRAM, str(path), str(max_piece)]
    limit = (1 << 30, 1 << 30)  # so that a bomb that goes off harms nobody
    done = subprocess.run(
        arguments,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )
    assert done.returncode == 0, done.stderr
    *outcome, memory = done.stdout.splitlines()
    return " ".join(outcome), int(memory)


@pytest.mark.parametrize("name", ["cell", "tags", "hidden", "comment"])
def test_a_bomb_below_the_limit_of_unpacking_takes_little_memory(name: str, bombs: dict[str, Path]) -> None:
    outcome, memory = explode(bombs[name])
    assert outcome.startswith("ExportError")
    assert memory < MEMORY


def test_the_bomb_would_go_off(bombs: dict[str, Path]) -> None:
    """The measure can fail: without the bound on a row the memory is seen to be taken."""
    outcome, memory = explode(bombs["hidden"], 140 << 20)
    assert outcome.startswith("MemoryError") or memory > MEMORY
