from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from stack.process import Background, stop_all

# A parent that lets a child change its process group, as Airflow's tasks do.
FAMILY = "import os, subprocess, time; subprocess.Popen(['sleep', '60'], process_group=0); time.sleep(60)"


@pytest.fixture
def background(tmp_path: Path) -> Background:
    return Background("service", tmp_path / "run", tmp_path / "log" / "service.log")


def start_family(background: Background) -> list[psutil.Process]:
    background.start(["-c", FAMILY], dict(os.environ), "first")
    parent = background.find()
    assert parent
    deadline = time.monotonic() + 10
    while not parent.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    return [parent, *parent.children()]


def test_a_stopped_service_takes_everything_it_started_with_it(background: Background) -> None:
    family = start_family(background)
    assert len(family) == 2

    stop_all([background])

    assert background.find() is None
    assert not background.pid_file.exists()
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(background: Background) -> None:
    family = start_family(background)
    record = json.loads(background.pid_file.read_text())
    background.pid_file.write_text(json.dumps({**record, "started": record["started"] - 1}))

    assert background.find() is None
    stop_all([background])
    assert family[0].is_running()

    background.pid_file.write_text(json.dumps(record))
    stop_all([background])


def test_a_service_that_was_never_started_is_not_found(background: Background) -> None:
    assert background.find() is None
    assert background.fingerprint() is None
