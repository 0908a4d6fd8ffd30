"""What dbt knows of the project without a warehouse: the marts that readers see, and what is made of what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.environment import NO_TELEMETRY
from stack.paths import REPOSITORY, StackError

PROJECT = REPOSITORY / "dbt_project"
FOLDERS = ("core", "reports")  # of models/marts: what readers see

# dbt wants to know a warehouse before it reads a project; it calls none.
_NO_WAREHOUSE = {"PGHOST": "localhost", "PGUSER": "nobody", "PGDATABASE": "nothing"}

Node = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """A description, in both languages."""

    ru: str
    en: str

    @classmethod
    def parse(cls, description: str) -> Text:
        """«Русский текст. / English text.», in any lines."""
        ru, dot, en = " ".join(description.split()).partition(". / ")
        return cls(ru + ("." if dot else ""), en)


@dataclass(frozen=True)
class Column:
    """A column of a mart. `is_required`: the table holds no null; of a view nothing is promised."""

    name: str
    type: str
    text: Text
    is_required: bool


@dataclass(frozen=True)
class Mart:
    """A version of a model that readers see as `bi.<name>`. `grain`: columns that tell its rows apart."""

    name: str
    node_id: str
    folder: str
    version: int | None
    text: Text
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """dbt's manifest of the project."""

    content: Node

    @classmethod
    def parse(cls, target: Path, project: Path = PROJECT) -> Manifest:
        """Let dbt read `project`; its artefacts go to `target`. Raises StackError with what dbt says."""
        folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
        command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "parse", *folders]
        done = subprocess.run(
            [*command, "--target-path", str(target), "--log-path", str(target)],
            env={**os.environ, **NO_TELEMETRY, **_NO_WAREHOUSE},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(f"dbt cannot read the project:\n{done.stdout}")
        return cls(json.loads((target / "manifest.json").read_text(encoding="utf-8")))

    def nodes(self, *kinds: str) -> Iterator[Node]:
        """Nodes of some kinds (`model`, `seed`, `test`), by id."""
        for _, node in sorted(self.content["nodes"].items()):
            if node["resource_type"] in kinds:
                yield node

    def marts(self) -> list[Mart]:
        """What readers see, by folder and name."""
        tests: dict[str, list[Node]] = {}
        for test in self.nodes("test"):
            if test.get("attached_node"):
                tests.setdefault(test["attached_node"], []).append(test)
        marts = [
            _mart(node, folder, tests.get(node["unique_id"], []))
            for node in self.nodes("model")
            for folder in FOLDERS
            if node["path"].startswith(f"marts/{folder}/")
        ]
        return sorted(marts, key=lambda mart: (mart.folder, mart.name))


def _mart(node: Node, folder: str, tests: list[Node]) -> Mart:
    return Mart(
        name=node["alias"].strip(),
        node_id=node["unique_id"],
        folder=folder,
        version=node["version"],
        text=Text.parse(node["description"]),
        grain=_grain(tests),
        columns=tuple(
            Column(
                name=column["name"],
                type=column["data_type"] or "",
                text=Text.parse(column["description"]),
                is_required=any(constraint["type"] == "not_null" for constraint in column["constraints"]),
            )
            for column in node["columns"].values()
        ),
        checks=tuple(sorted({test["description"].strip() for test in tests} - {""})),
    )


def _grain(tests: list[Node]) -> tuple[str, ...]:
    """By the test that says so: a combination of columns, else the first unique column."""
    by_kind = {kind: [test for test in tests if test["test_metadata"]["name"] == kind] for kind in _GRAIN_TESTS}
    for test in by_kind["unique_combination"]:
        return tuple(test["test_metadata"]["kwargs"]["columns"])
    errors = [test for test in by_kind["unique"] if test["config"]["severity"].lower() == "error"]
    return (errors[0]["column_name"],) if errors else ()


_GRAIN_TESTS = ("unique_combination", "unique")
