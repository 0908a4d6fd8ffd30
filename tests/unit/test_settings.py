from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcu.settings import Settings

VARIABLES = (
    "MCU_INBOX", "MCU_MAILBOX", "MCU_STATE", "MCU_TIMEZONE", "MCU_REGION", "MCU_SOURCES", "MCU_EXPORTED_AT_PATTERN",
)  # fmt: skip


def test_what_is_set_is_taken() -> None:
    values = ("/srv/exports", "exports_mailbox", "/srv/state", "Asia/Omsk", "Омская область", "incident", "(?P<date>x)")
    settings = Settings.from_env(dict(zip(VARIABLES, values, strict=True)))

    assert (settings.inbox, settings.state) == ("/srv/exports", Path("/srv/state"))
    assert settings.mailbox == "exports_mailbox"
    assert (settings.timezone.key, settings.region) == ("Asia/Omsk", "Омская область")
    assert (settings.sources, settings.exported_at_pattern.pattern) == (("incident",), "(?P<date>x)")


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env(dict.fromkeys(VARIABLES, "")) == Settings.from_env({})


def test_white_space_around_a_source_is_no_part_of_it() -> None:
    assert Settings.from_env({"MCU_SOURCES": " pos, incident "}).sources == ("pos", "incident")


@pytest.mark.parametrize(("text", "wrong"), [("pos,incidents", "'incidents'"), ("POS", "'POS'"), ("pos,", "''")])
def test_an_unknown_source_is_named_with_its_variable(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=rf"MCU_SOURCES={text}: {wrong} is no source, pos and incident are"):
        Settings.from_env({"MCU_SOURCES": text})


def test_a_broken_pattern_is_no_setting() -> None:
    with pytest.raises(re.error):
        Settings.from_env({"MCU_EXPORTED_AT_PATTERN": "("})
