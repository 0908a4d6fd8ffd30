"""Pages that tell of the marts: made anew they are the same, and what they name exists."""

from __future__ import annotations

import re
from copy import deepcopy

from stack.manifest import PROJECT, Manifest
from stack.pages import lineage, pages
from stack.paths import REPOSITORY

DOCS = REPOSITORY / "docs"


def test_the_pages_are_those_of_the_project(manifest: Manifest) -> None:
    stale = [name for name, content in pages(manifest).items() if (DOCS / name).read_text(encoding="utf-8") != content]
    assert stale == [], "`make docs` makes them anew"


def test_another_word_or_arrow_makes_a_page_stale(manifest: Manifest) -> None:
    content = deepcopy(manifest.content)
    mart = content["nodes"]["model.mcu.rpt_weekly_region.v1"]
    mart["columns"]["received"]["description"] = "Другое. / Another."
    content["exposures"]["exposure.mcu.report_weekly"]["depends_on"]["nodes"].remove(mart["unique_id"])
    before, after = pages(manifest), pages(Manifest(content))
    assert [name for name in before if before[name] == after[name]] == []


def test_the_lineage_reaches_from_the_exports_to_the_reports(manifest: Manifest) -> None:
    text = lineage(manifest)
    for arrow in (
        "raw_incident --> stg_incident__incident_version",
        "stg_incident__incident_version --> between",
        "between --> state",
        "between --> rpt_weekly_region",
        "rpt_weekly_region --> report_weekly",
        'int_changed_week -- "week_start" --> rpt_weekly_region',
    ):
        assert f"    {arrow}\n" in text


def _table_of_metrics() -> list[tuple[list[str], list[str]]]:
    """Names and places of each row of «What counts»."""
    section = (DOCS / "metrics.md").read_text(encoding="utf-8").split("## What counts")[1].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return [(re.findall("`([^`]+)`", row[1]), re.findall("`([^`]+)`", row[-2])) for row in rows]


def _pattern(name: str) -> str:
    """`median_…`: any column that begins so; `_delta`: any that ends so."""
    return (r"\w+" if name.startswith("_") else "") + re.escape(name).replace("…", r"\w+")


def test_every_metric_is_a_column_and_stands_where_it_is_said_to(manifest: Manifest) -> None:
    columns = {column.name for mart in manifest.marts() for column in mart.columns}
    metrics = _table_of_metrics()
    assert len(metrics) > 10
    wrong = []
    for names, places in metrics:
        texts = {}
        for place in places:
            paths = [PROJECT / place] if "/" in place else list((PROJECT / "models").rglob(f"{place}.sql"))
            texts[place] = "".join(path.read_text(encoding="utf-8") for path in paths if path.exists())
        for name in names:
            if not any(re.fullmatch(_pattern(name), column) for column in columns):
                wrong.append(f"{name}: no mart has such a column")
            if not re.search(_pattern(name), "".join(texts.values())):
                wrong.append(f"{name}: not in {places}")
        wrong += [f"{names[0]}: there is no {place}" for place, text in texts.items() if not text]
    assert wrong == []


def test_every_count_of_a_mart_is_explained(manifest: Manifest) -> None:
    """The other way round: no metric of the weekly marts is missing in the table."""
    explained = [_pattern(name) for names, _ in _table_of_metrics() for name in names]
    numbers = {
        column.name
        for mart in manifest.marts()
        if mart.name.startswith("rpt_weekly_")
        for column in mart.columns
        if column.type in ("bigint", "double precision")
    }
    missing = {column for column in numbers if not any(re.fullmatch(name, column) for name in explained)}
    assert missing == set()
