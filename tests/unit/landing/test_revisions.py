"""Revisions stand in one line, numbered as their files, and none goes back."""

from __future__ import annotations

import warnings

from alembic.config import Config
from alembic.script import ScriptDirectory

from mcu import migrations


def test_revisions_are_one_numbered_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER).replace("%", "%%"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a number that is there twice is a warning only
        scripts = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    numbers = [f"{number:04}" for number in range(1, len(scripts) + 1)]
    assert [script.revision for script in scripts] == numbers
    assert [script.down_revision for script in scripts] == [None, *numbers[:-1]]
    assert [script.path.rsplit("/", 1)[1][:5] for script in scripts] == [f"{number}_" for number in numbers]


def test_no_revision_offers_to_go_back() -> None:
    """What was dropped does not come back by a script: the way back is the backup (docs/keeping.md)."""
    for path in (migrations.FOLDER / "versions").glob("*.py"):
        assert "def downgrade" not in path.read_text(encoding="utf-8"), path.name
