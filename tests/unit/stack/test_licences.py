"""docs/licences.md names what is locked, and sets apart what asks something of whoever hands it on."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import PackageMetadata
from typing import cast

import pytest

from stack.licences import ABSENT, PAGE, UNKNOWN, Package, licence, locked, page


def test_the_page_is_up_to_date() -> None:
    """With any Python: what only another one installs is compared by name and version."""
    told = {line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")}
    pins = {line.rpartition(" | ")[0] for line in told} - {"| package | version"}
    assert pins == {package.row.rpartition(" | ")[0] for package in locked()}, "make licences"
    known_here = {package.row for package in locked() if package.licence != ABSENT}
    differing = known_here - told
    assert not {row for row in differing if ABSENT not in _told_of(row, told)}, "make licences"


def _told_of(row: str, told: set[str]) -> str:
    return next(line for line in told if line.startswith(row.rpartition(" | ")[0]))


@pytest.mark.parametrize(
    ("stated", "is_copyleft"),
    [
        ("MIT", False),
        ("Apache Software License", False),
        ("BSD-3-Clause", False),
        (UNKNOWN, False),
        ("GPL-3.0", True),
        ("LGPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("GNU Library or Lesser General Public License (LGPL)", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("EPL-2.0 OR GPL-2.0-or-later", True),
    ],
)
def test_copyleft_stands_apart(stated: str, is_copyleft: bool) -> None:
    above, _, _ = page([Package("some", "1.0", stated)]).partition("## All others")
    assert ("| some | 1.0 |" in above) == is_copyleft


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("License-Expression", "MIT"), ("Classifier", "License :: OSI Approved :: BSD License")], "MIT"),
        ([("License", "a b"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD License"),
        ([("Classifier", "License :: OSI Approved"), ("License", "MPL-2.0\n")], "MPL-2.0"),
        ([("License", "x" * 61)], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_the_licence_is_what_the_metadata_states_most_exactly(fields: list[tuple[str, str]], expected: str) -> None:
    about = Message()
    for name, value in fields:
        about[name] = value
    assert licence(cast(PackageMetadata, about)) == expected
