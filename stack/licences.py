"""docs/licences.md: under which licence each package of the lock file comes, as its own metadata says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from stack.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "licences.md"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public|\bMPL\b|Mozilla Public|\bEPL\b|\bEUPL\b|\bCDDL\b", re.IGNORECASE)
LONG = 60
UNKNOWN = "says nothing"
ABSENT = "not with the Python that made this page"

HEAD = """# Licences

What is in the locked environment (`requirements.txt`) and therefore in the image, with the licence that the metadata of
each package states: made by `make licences`. Nobody has read the packages themselves. The platform itself is under
Apache-2.0.
"""


@dataclass(frozen=True)
class Package:
    """One pin of the lock file; `licence` as one line."""

    name: str
    version: str
    licence: str

    @property
    def row(self) -> str:
        return f"| {self.name} | {self.version} | {self.licence} |"


def main() -> None:
    """Make the page anew."""
    PAGE.write_text(page(locked()), encoding="utf-8")
    print(PAGE.relative_to(REPOSITORY))


def locked() -> list[Package]:
    """Every pin of requirements.txt, in its order."""
    pins = PIN.findall((REPOSITORY / "requirements.txt").read_text(encoding="utf-8"))
    return [Package(name, version, _licence_of(name)) for name, version in pins]


def page(packages: Iterable[Package]) -> str:
    """The page, copyleft first: it asks something of whoever hands the image on."""
    copyleft: list[Package] = []
    others: list[Package] = []
    for package in packages:
        (copyleft if COPYLEFT.search(package.licence) else others).append(package)
    return "\n".join(
        [
            HEAD,
            f"## Copyleft: {len(copyleft)}",
            "",
            "Used unchanged. Whoever hands on the image hands these on, too, and owes their source or where it is.",
            "",
            *_table(copyleft),
            "",
            f"## All others: {len(others)}",
            "",
            *_table(others),
            "",
        ]
    )


def licence(about: PackageMetadata) -> str:
    """The SPDX expression if there is one, else the classifiers, else the free text if it is short."""
    if expression := _field(about, "License-Expression"):
        return expression
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License :: ")]
    named = [line.rpartition(" :: ")[2] for line in classifiers if line != "License :: OSI Approved"]
    free = _field(about, "License")
    if named:
        return " AND ".join(named)
    return free.replace("|", "/") if 0 < len(free) <= LONG else UNKNOWN


def _field(about: PackageMetadata, name: str) -> str:
    return " ".join(about[name].split()) if name in about else ""


def _licence_of(name: str) -> str:
    try:
        return licence(metadata(name))
    except PackageNotFoundError:
        return ABSENT


def _table(packages: Iterable[Package]) -> list[str]:
    return ["| package | version | licence |", "|---|---|---|", *(package.row for package in packages)]


if __name__ == "__main__":
    main()
