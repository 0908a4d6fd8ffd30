"""SQL of the dbt project without dbt's start-up: macros and models of a full build, `ref` as a bare table name."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import jinja2
import yaml
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from mcu.transform.dbt import DBT_PROJECT

_VARS: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
_MACROS = "".join(
    path.read_text(encoding="utf-8")
    for path in sorted((DBT_PROJECT / "macros").glob("*.sql"))
    if path.name not in ("generate_schema_name.sql", "delta.sql")
)


def render(text: str) -> str:
    """A query with the project's macros expanded; refs name tables of the search path, temporary ones first."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.globals.update(
        {"return": lambda value: value, "var": _VARS.__getitem__, "ref": lambda name: name, "config": lambda **_: ""},
        is_delta=lambda: False,
    )
    return environment.from_string(_MACROS + text).render()


def model(name: str) -> str:
    """The query of a model."""
    (path,) = (DBT_PROJECT / "models").rglob(f"{name}.sql")
    return render(path.read_text(encoding="utf-8"))


def make_seed(connection: Connection, name: str) -> None:
    """A temporary table with the rows of a seed and the types that it has in the project."""
    content = (DBT_PROJECT / "seeds" / f"{name}.csv").read_text(encoding="utf-8")
    described = yaml.safe_load((DBT_PROJECT / "seeds" / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    (types,) = (seed["config"]["column_types"] for seed in described if seed["name"] == name)
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(types[c])) for c in next(csv.reader(StringIO(content)))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create temporary table {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(columns))
        )
        cursor.copy_expert(
            sql.SQL("copy {} from stdin with (format csv, header true)").format(sql.Identifier(name)), StringIO(content)
        )


def make_table(connection: Connection, name: str, query: str, rows: list[tuple[Any, ...]] | None = None) -> None:
    """A temporary table as `query` gives it; with `rows`, the query tells the columns and the rows come from there."""
    with connection.cursor() as cursor:
        cursor.execute(f"create temporary table {name} as {query}")
        if rows:
            execute_values(cursor, f"insert into {name} values %s", rows, page_size=1000)
