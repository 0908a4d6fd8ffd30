"""What the Makefile calls: python -m stack run|stop|clean|backup|restore|psql|airflow|dsn|docs|contract."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack import contract
from stack.environment import process_environment
from stack.local import LocalStack
from stack.manifest import Manifest
from stack.pages import pages
from stack.paths import REPOSITORY, StackError, read_dotenv, state_folder
from stack.postgres import OWNER, candidate_folders, find_binaries, libpq_environment


def main() -> None:
    """Carry out one command; exits 1 with a message for what a person can mend, 130 after ctrl-C."""
    arguments = _arguments()
    read_dotenv(REPOSITORY / ".env")
    stack = LocalStack(state_folder())
    try:
        _carry_out(stack, arguments)
    except StackError as error:
        sys.exit(f"{error}")
    except PermissionError as error:
        sys.exit(f"No right to use {error.filename}. Run in a clone of your own, or as its owner.")
    except KeyboardInterrupt:
        print("\nInterrupted. `make run` goes on where this stopped, `make stop` stops the services.", file=sys.stderr)
        sys.exit(130)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "stop", "clean", "docs", "contract"):
        commands.add_parser(name)
    commands.add_parser("backup").add_argument("folder", nargs="?", type=Path)
    commands.add_parser("restore").add_argument("file", type=Path)
    commands.add_parser("dsn").add_argument("role", nargs="?", default=OWNER)
    for name in ("psql", "airflow"):
        commands.add_parser(name, prefix_chars="\0").add_argument("rest", nargs="*")
    return parser.parse_args()


def _carry_out(stack: LocalStack, arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "run" | "stop" | "clean" | "restore":
            with _alone(stack):
                _carry_out_alone(stack, arguments)
        case "backup":
            from stack import keeping

            keeping.back_up(stack, arguments.folder)
        case "dsn":
            print(stack.warehouse_dsn(arguments.role))
        case "psql":
            _psql(stack, arguments.rest)
        case "airflow":
            env = process_environment(stack.environment())
            os.execve(sys.executable, [sys.executable, "-P", "-m", "airflow", *arguments.rest], env)
        case "docs":
            _docs(stack)
        case "contract":
            contract.update(Manifest.parse(stack.state / "docs").marts())


def _carry_out_alone(stack: LocalStack, arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "run":
            from stack.run import run

            run(stack)
        case "stop":
            stack.stop()
        case "clean":
            stack.clean()
        case "restore":
            from stack import keeping

            keeping.restore(stack, arguments.file)


@contextmanager
def _alone(stack: LocalStack) -> Iterator[None]:
    """Hold the lock of the state folder; raises StackError when another command does."""
    stack.state.mkdir(parents=True, exist_ok=True)
    with (stack.state / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"Another `make` is at work with {stack.state}: wait for it, or stop it.") from None
        yield


def _psql(stack: LocalStack, rest: list[str]) -> None:
    folder = find_binaries(candidate_folders()).folder
    program = str(folder / "psql") if (folder / "psql").exists() else shutil.which("psql")
    if program is None:
        raise StackError("psql is not found. Install it: apt install postgresql-client")
    os.execve(program, [program, *rest], process_environment(libpq_environment(stack.warehouse_dsn())))


def _docs(stack: LocalStack) -> None:
    """The pages of docs/ need no warehouse; dbt's own page shows the tables of one."""
    folder = stack.state / "docs"
    for name, content in pages(Manifest.parse(folder)).items():
        (REPOSITORY / "docs" / name).write_text(content, encoding="utf-8")
        print(f"docs/{name}")
    env = process_environment({**stack.environment(), **libpq_environment(stack.warehouse_dsn())})
    project = str(REPOSITORY / "dbt_project")
    command = [
        str(Path(sys.prefix) / "bin" / "dbt"),
        "docs",
        "generate",
        "--static",
        "--target-path",
        str(folder),
        "--log-path",
        str(folder),
    ]
    if subprocess.run([*command, "--project-dir", project, "--profiles-dir", project], env=env, check=False).returncode:
        raise StackError("dbt cannot make the documentation: see above.")
    print(f"Open {folder / 'static_index.html'}")


if __name__ == "__main__":
    main()
