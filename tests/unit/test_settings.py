from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path

import pytest

from mcu.settings import Settings

VARIABLES = (
    "MCU_INBOX", "MCU_MAILBOX", "MCU_STATE", "MCU_TIMEZONE", "MCU_REGION", "MCU_SOURCES", "MCU_EXPORTED_AT_PATTERN",
    "MCU_ALERT_RECIPIENTS", "MCU_STALE_HOURS", "MCU_REPORT_DEADLINE", "MCU_KEEP_PII_DAYS",
    "MCU_KEEP_QUARANTINE_DAYS", "MCU_KEEP_RESULTS_DAYS", "MCU_RUN_MINUTES",
)  # fmt: skip


def test_what_is_set_is_taken() -> None:
    values = ("/srv/exports", "exports_mailbox", "/srv/state", "Asia/Omsk", "Омская область", "incident", "(?P<date>x)")
    of_alerts = ("a@mcu.example, b@mcu.example", "72", "09:30")
    of_keeping = ("pos=365, incident=180", "90", "35")
    settings = Settings.from_env(dict(zip(VARIABLES, (*values, *of_alerts, *of_keeping, "90"), strict=True)))

    assert (settings.inbox, settings.state) == ("/srv/exports", Path("/srv/state"))
    assert settings.mailbox == "exports_mailbox"
    assert (settings.timezone.key, settings.region) == ("Asia/Omsk", "Омская область")
    assert (settings.sources, settings.exported_at_pattern.pattern) == (("incident",), "(?P<date>x)")
    assert settings.alert_recipients == ("a@mcu.example", "b@mcu.example")
    assert (settings.stale_after, settings.report_deadline) == (timedelta(days=3), time(9, 30))
    assert settings.run_takes_at_most == timedelta(minutes=90)
    assert settings.keep_pii_days == {"pos": 365, "incident": 180}
    assert (settings.keep_quarantine_days, settings.keep_results_days) == ({"pos": 90, "incident": 90}, 35)


def test_persons_are_kept_unless_it_is_said_how_long() -> None:
    settings = Settings.from_env({})
    assert (settings.keep_pii_days, settings.keep_quarantine_days) == ({}, {})


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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MCU_ALERT_RECIPIENTS", "a@mcu.example\nBcc: b@mcu.example"),
        ("MCU_ALERT_RECIPIENTS", "a@mcu.example; b@mcu.example"),
        ("MCU_ALERT_RECIPIENTS", "Дежурный <a@mcu.example>"),
        ("MCU_STALE_HOURS", "0"),
        ("MCU_STALE_HOURS", "1.5"),
        ("MCU_STALE_HOURS", "٣"),
        ("MCU_REPORT_DEADLINE", "10"),
        ("MCU_REPORT_DEADLINE", "24:00"),
        ("MCU_RUN_MINUTES", "0"),
        ("MCU_KEEP_PII_DAYS", "7"),
        ("MCU_KEEP_PII_DAYS", "incidents=90"),
        ("MCU_KEEP_QUARANTINE_DAYS", "pos=90,incident="),
        ("MCU_KEEP_RESULTS_DAYS", "никогда"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_env({variable: value})
