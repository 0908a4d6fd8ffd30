"""One small set of exports and of messages, made once for all tests of the demo."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from demo.__main__ import main, make_messages
from demo.life import Message

UNTIL = date(2026, 11, 22)
ARGUMENTS = ["--weeks", "3", "--monthly", "900", "--seed", "5", "--until", UNTIL.isoformat()]


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks of small exports."""
    folder = tmp_path_factory.mktemp("inbox")
    main([*ARGUMENTS, "--out", str(folder)])
    return folder


@pytest.fixture(scope="session")
def messages() -> list[Message]:
    """Eight weeks of messages with their flaws, ⅓ of the usual flow."""
    return make_messages(weeks=8, monthly=2000, seed=5, until=UNTIL)
