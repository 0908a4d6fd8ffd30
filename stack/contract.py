"""The contract with whoever reads `bi`: columns and types of each version of each mart, in their order.

`dbt_project/contracts.csv` is the promise that was given; dbt holds every build to the project's, and this holds the
project to the one that was given. A version may only gain columns, at its end; anything else is a new version.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from stack.manifest import PROJECT, Mart
from stack.paths import StackError

FILE = PROJECT / "contracts.csv"
HEADER = ("mart", "version", "column", "type")

# (mart, version) → (column, type) in their order
Contract = dict[tuple[str, str], list[tuple[str, str]]]


def of_marts(marts: Iterable[Mart]) -> Contract:
    """What the project promises now."""
    return {
        (mart.name, str(mart.version)): [(column.name, column.type) for column in mart.columns]
        for mart in sorted(marts, key=lambda mart: mart.name)
    }


def read(path: Path = FILE) -> Contract:
    """What was promised."""
    contract: Contract = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            contract.setdefault((row["mart"], row["version"]), []).append((row["column"], row["type"]))
    return contract


def text(contract: Contract) -> str:
    """The file."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((*version, *column) for version, columns in contract.items() for column in columns)
    return file.getvalue()


def breaks(promised: Contract, now: Contract) -> list[str]:
    """A sentence for each promise that is not kept."""
    sentences = []
    for (mart, version), columns in promised.items():
        what = f"{mart} v{version}"
        if (mart, version) not in now:
            sentences.append(f"{what} is gone: delete its lines by hand once nobody reads it.")
            continue
        current = now[mart, version]
        types = dict(current)
        for column, data_type in columns:
            if column not in types:
                sentences.append(f"{what} has lost {column}.")
            elif types[column] != data_type:
                sentences.append(f"{what}: {column} was {data_type} and is {types[column]}.")
        names = [column for column, _ in columns]
        kept = [column for column, _ in current if column in names]
        if kept != [column for column in names if column in types]:
            sentences.append(f"{what}: the columns stand in another order.")
        elif [column for column, _ in current[: len(kept)]] != kept:
            sentences.append(f"{what}: a new column stands before the old ones, not at the end.")
    return sentences


def update(marts: Iterable[Mart], path: Path = FILE) -> None:
    """Take new columns, marts and versions into the file; raises StackError when a promise would be broken."""
    now = of_marts(marts)
    broken = breaks(read(path), now) if path.exists() else []
    if broken:
        raise StackError("\n".join([*broken, "Publish a new version beside it: docs/adr/0009-…"]))
    path.write_text(text(now), encoding="utf-8")
