from __future__ import annotations

import json
from pathlib import Path

from stack.airflow_api import last_error


def log(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "attempt=1.log"
    path.write_text("not json\n" + "\n".join(json.dumps(entry) for entry in entries))
    return path


def test_the_last_error_is_told_with_the_exception_behind_it(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        {"level": "error", "event": "an earlier one"},
        {
            "level": "error",
            "event": "Task failed with exception",
            "error_detail": [{"exc_type": "AirflowFailException", "exc_value": "a.xlsx: нет колонки «ID»"}],
        },
        {"level": "info", "event": "Done"},
    )

    assert last_error(path) == "AirflowFailException: a.xlsx: нет колонки «ID»"


def test_an_error_without_an_exception_is_told_by_its_own_words(tmp_path: Path) -> None:
    assert last_error(log(tmp_path, {"level": "critical", "event": "killed"})) == "killed"


def test_a_log_without_an_error_says_so(tmp_path: Path) -> None:
    assert last_error(log(tmp_path, {"level": "info", "event": "fine"})) == "no error in the log"
