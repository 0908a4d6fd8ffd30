"""A password that is about to be committed is seen; what is known, or merely moved, is not told again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.paths import REPOSITORY
from stack.secret_scan import BASELINE, main

# Put together here, or the scan would find it in this file.
PLANTED = 'password = "' + "hunter2" + "Xq9" + '"\n'
KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one with the plugins of our baseline."""
    settings = json.loads((REPOSITORY / BASELINE).read_text())
    (tmp_path / BASELINE).write_text(json.dumps({**settings, "results": {}}))
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("secret", [PLANTED, KEY, "url: https://name:" + "s3cr3tly@example.org/\n"])
def test_a_planted_secret_is_named_by_file_and_line_but_not_shown(repository: Path, secret: str) -> None:
    (repository / "settings.py").write_text("x = 1\n" + secret)
    with pytest.raises(SystemExit, match=r"^settings\.py:2: ") as told:
        main([])
    assert secret.strip() not in str(told.value)


def test_what_was_accepted_may_move(repository: Path) -> None:
    (repository / "settings.py").write_text(PLANTED)
    main(["--accept"])
    (repository / "settings.py").write_text("\n\n" + PLANTED)
    main([])


def test_what_was_accepted_in_one_file_is_new_in_another(repository: Path) -> None:
    (repository / "settings.py").write_text(PLANTED)
    main(["--accept"])
    (repository / "more.py").write_text(PLANTED)
    with pytest.raises(SystemExit, match=r"^more\.py:1: "):
        main([])


def test_lint_is_red_with_a_planted_secret(repository: Path) -> None:
    (repository / "stack").mkdir()
    for name in ("__init__.py", "lint.sh", "secret_scan.py"):
        shutil.copy(REPOSITORY / "stack" / name, repository / "stack" / name)
    (repository / ".local").mkdir()
    (repository / ".local" / "venv").symlink_to(REPOSITORY / ".local" / "venv")
    (repository / ".gitignore").write_text("/.local\n")
    command = ["sh", "stack/lint.sh", "secrets"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (repository / "settings.py").write_text(PLANTED)
    red = subprocess.run(command, capture_output=True, text=True, check=False)
    assert red.returncode == 1
    assert "settings.py:1: Secret Keyword" in red.stderr
