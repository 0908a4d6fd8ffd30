from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack import setup
from stack.paths import REPOSITORY, StackError


def run_setup_script(folder: Path, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run setup.sh where `programs` (name → shell text) are all that PATH holds, over a stub of stack.setup."""
    (folder / "stack").mkdir()
    (folder / "stack" / "setup.py").write_text("import sys; print('set up by', sys.argv, sys.executable)")
    (folder / "bin").mkdir()
    for name, text in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    shell = shutil.which("sh")
    assert shell
    script = REPOSITORY / "stack" / "setup.sh"
    env = {"PATH": str(folder / "bin")}
    return subprocess.run([shell, script], cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_names_that_run_no_fitting_python_are_passed_over(tmp_path: Path) -> None:
    done = run_setup_script(
        tmp_path,
        {
            "python3": "exit 1",  # too old
            "python3.13": "echo 'python3.13: command not found' >&2; exit 127",  # a shim with nothing behind it
            "python3.12": f'exec {sys.executable} "$@"',
        },
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("set up by")


def test_without_a_fitting_python_the_message_names_what_is_here_and_what_to_install(tmp_path: Path) -> None:
    done = run_setup_script(tmp_path, {"python3": '[ "$1" = --version ] && echo Python 3.9.2'})

    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed; here: Python 3.9.2." in done.stderr
    assert "apt install python3 python3-venv" in done.stderr


def test_the_environment_is_made_anew_only_when_the_lock_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_file = tmp_path / "requirements.txt"
    lock_file.write_text("a==1\n")
    monkeypatch.setattr(setup, "REQUIREMENTS", lock_file)
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    assert not setup.is_complete()
    setup.STAMP.write_text(setup._wanted())
    assert setup.is_complete()

    lock_file.write_text("a==2\n")

    assert not setup.is_complete()


def test_an_environment_whose_python_is_gone_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp")
    setup.STAMP.write_text(setup._wanted())
    monkeypatch.setattr(setup, "PYTHON", tmp_path / "gone" / "python")

    assert not setup.is_complete()


def test_a_python_without_the_venv_module_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho 'ensurepip is not available'; exit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(setup, "VENV", tmp_path / "venv")

    with pytest.raises(StackError, match=r"apt install python3\.\d+-venv\nensurepip is not available"):
        setup._make_venv()


def test_an_index_that_only_pip_knows_of_is_used_when_uv_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n[ "$2" != uv ]\n')
    python.chmod(0o755)
    monkeypatch.setattr(setup, "PYTHON", python)
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(shutil, "which", lambda name: None)

    setup.install()

    installs = [line for line in calls.read_text().splitlines() if str(setup.REQUIREMENTS) in line]
    assert [line.split()[1] for line in installs] == ["uv", "pip"]
    assert setup.is_complete()
