"""The virtual environment of the lock file, made anew only when the lock file changed. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys

from stack.paths import REPOSITORY, StackError

LOCAL = REPOSITORY / ".local"
VENV = LOCAL / "venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "requirements.sha256"
REQUIREMENTS = REPOSITORY / "requirements.txt"


def main() -> None:
    """Make the environment complete, or exit with what to do about it."""
    try:
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second make waits for the first
            if not is_complete():
                install()
    except PermissionError as error:
        sys.exit(f"No right to write {error.filename}. Run in a clone of your own, or as its owner.")
    except StackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted. The set-up goes on with the next command.")


def is_complete() -> bool:
    """Whether the environment holds what the lock file says, and its Python is still there."""
    return STAMP.exists() and STAMP.read_text() == _wanted() and _runs("-c", "")


def install() -> None:
    """Install every pin; raises StackError when that is impossible."""
    print(f"Setting up {VENV} (a few minutes when nothing is cached) …", file=sys.stderr)
    if not _runs("-m", "pip", "--version"):
        _make_venv()
    STAMP.unlink(missing_ok=True)
    installers = [_uv(), [str(PYTHON), "-m", "pip", "install", "--quiet"]]
    for installer in filter(None, installers):
        # An index that only pip is told of is unknown to uv: then pip itself does it.
        if subprocess.run([*installer, "-r", str(REQUIREMENTS)], check=False, stdout=sys.stderr).returncode == 0:
            STAMP.write_text(_wanted())
            return
        print(f"That did not work: {' '.join(installer[:3])} …", file=sys.stderr)
    raise StackError(f"The packages of {REQUIREMENTS.name} could not be installed: see above.")


def _make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        version = "{}.{}".format(*sys.version_info)
        raise StackError(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu: "
            f"apt install python{version}-venv\n{(done.stdout + done.stderr).strip()}"
        )


def _uv() -> list[str] | None:
    """The command of uv: the one on PATH, else the pinned one, None when it cannot be had."""
    install_into = ["pip", "install", "--quiet", "--python", str(PYTHON)]
    if on_path := shutil.which("uv"):
        return [on_path, *install_into]
    pin = re.search(r"^uv==\S+", REQUIREMENTS.read_text(), re.MULTILINE)
    if pin and _runs("-m", "pip", "install", "--quiet", pin[0]):
        return [str(PYTHON), "-m", "uv", *install_into]
    return None


def _runs(*arguments: str) -> bool:
    try:
        return subprocess.run([PYTHON, *arguments], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _wanted() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
