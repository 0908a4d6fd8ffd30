"""Pages of docs/ that are made from dbt's manifest: the data dictionary and the lineage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from mcu.transform.marts import REPLACED, STATE
from stack.manifest import Manifest, Mart, Node

LAYERS = ("sources", "staging", "intermediate", "state", "bi", "pii", "reports by mail")
MADE = "<!-- Made by `make docs` from dbt_project/; do not edit. -->"


def pages(manifest: Manifest) -> dict[str, str]:
    """File name in docs/ → content."""
    return {"data_dictionary.md": data_dictionary(manifest), "lineage.md": lineage(manifest)}


def data_dictionary(manifest: Manifest) -> str:
    """Every mart that readers see, with its grain, columns and checks."""
    marts = manifest.marts()
    lines = [
        MADE,
        "",
        "# Data dictionary",
        "",
        *_prose(
            "What stands in the schema `bi`: every column in Russian and English, as BI tools show it in their"
            " comments. Types are PostgreSQL's; *not null* stands where the table itself refuses a null. Numbers in"
            " full: [metrics](metrics.md); questions and their SQL: [how to query](how_to_query.md); what is made of"
            " what: [lineage](lineage.md); versions: [ADR 9](adr/0009-marts-keep-a-contract.md). The schema `pii` has a"
            " page of its own: [personal data](personal_data.md)."
        ),
        "",
        "| mart | one row | что это |",
        "|---|---|---|",
        *(f"| [{mart.name}](#{mart.name}) | {' × '.join(mart.grain)} | {_cell(mart.text.ru)} |" for mart in marts),
    ]
    for mart in marts:
        lines += ["", *_mart(mart, _used_by(manifest, mart))]
    return "\n".join(lines) + "\n"


def _mart(mart: Mart, used_by: list[str]) -> Iterator[str]:
    yield f"## {mart.name}"
    yield ""
    yield mart.text.ru
    yield ""
    yield mart.text.en
    yield ""
    yield f"Version {mart.version}. One row: {' × '.join(f'`{column}`' for column in mart.grain)}."
    if used_by:
        yield f"Read by {', '.join(used_by)}."
    yield ""
    yield "| column | type | по-русски | in English |"
    yield "|---|---|---|---|"
    for column in mart.columns:
        kind = f"{column.type}, not null" if column.is_required else column.type
        yield f"| `{column.name}` | {kind} | {_cell(column.text.ru)} | {_cell(column.text.en)} |"
    if mart.checks:
        yield ""
        yield "Checked in each build:"
        yield ""
        yield from (f"- {check}" for check in mart.checks)


def _used_by(manifest: Manifest, mart: Mart) -> list[str]:
    return [
        exposure["name"]
        for _, exposure in sorted(manifest.content["exposures"].items())
        if mart.node_id in exposure["depends_on"]["nodes"]
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def lineage(manifest: Manifest) -> str:
    """Pictures of what is made of what."""
    lines = [
        MADE,
        "",
        "# Lineage",
        "",
        "## From the exports to the reports",
        "",
        *_prose(
            "What stands in the box «bi» readers see under that name. The tables of the state, which others are made"
            " of, are one box here, and so are the intermediate models, the seeds and the dimensions; the pictures"
            " below name what each mart is made of."
        ),
        "",
        *_picture(_layers(manifest)),
        "",
        "## What each mart is made of",
        "",
        "Directly; `seed` and `source` stand for what nobody computes.",
    ]
    for folder in ("state", "core", "reports"):
        lines += ["", f"`models/marts/{folder}`:", "", *_picture(_parents(manifest, folder))]
    lines += [
        "",
        "## The way of a delta",
        "",
        *_prose(
            "Which of its rows a delta replaces: those whose key the table on the left holds"
            " ([ADR 7](adr/0007-a-build-is-a-delta-or-full.md)). A mart that is not named here is small and made anew,"
            " or a view."
        ),
        "",
        *_picture(_replaced()),
    ]
    return "\n".join(lines) + "\n"


def _prose(text: str) -> list[str]:
    return wrap(text, 140, break_long_words=False, break_on_hyphens=False)


def _picture(lines: Iterable[str]) -> Iterator[str]:
    yield "```mermaid"
    yield "flowchart LR"
    yield from (f"    {line}" for line in lines)
    yield "```"


def _layers(manifest: Manifest) -> Iterator[str]:
    """Layer by layer. What nobody reads one by one is one box: the seeds, the intermediate models, the dimensions."""
    box_of = {node["unique_id"]: _box(node) for node in _all(manifest)}
    labels: dict[str, dict[str, list[str]]] = {}
    for layer, box, label in box_of.values():
        in_box = labels.setdefault(layer, {}).setdefault(box, [])
        if label not in in_box:
            in_box.append(label)
    for layer in LAYERS:
        yield f'subgraph layer_{layer.replace(" ", "_")}["{layer}"]'
        yield from (f'    {box}["{"<br>".join(shown)}"]' for box, shown in sorted(labels[layer].items()))
        yield "end"
    edges = {
        (box_of[parent][1], box_of[node["unique_id"]][1])
        for node in _all(manifest)
        for parent in node.get("depends_on", {}).get("nodes", [])
    }
    yield from (f"{parent} --> {child}" for parent, child in sorted(edges) if parent != child)


def _all(manifest: Manifest) -> Iterator[Node]:
    yield from manifest.nodes("model", "seed")
    for kind in ("sources", "exposures"):
        yield from (node for _, node in sorted(manifest.content[kind].items()))


def _box(node: Node) -> tuple[str, str, str]:
    """Layer, box and label of a node in the picture of layers."""
    name = _name(node)
    if node["resource_type"] == "seed":
        return "sources", "seeds", "seeds"
    if node["resource_type"] == "source":
        return "sources", name.replace(".", "_"), name
    if node["resource_type"] == "exposure":
        return "reports by mail", name, node["label"]
    match node["path"].split("/")[:2]:
        case ["staging", _]:
            return "staging", name, name
        case ["intermediate", _]:
            return "intermediate", "between", "models of one purpose each"
        case ["marts", "state"]:
            return "state", "state", name
        case ["marts", _]:
            return "bi", "dimensions" if name.startswith("dim_") else name, name
    return "pii", name, name


def _name(node: Node) -> str:
    if node["resource_type"] == "source":
        return f"{node['schema']}.{node['name']}"
    return str(node.get("alias") or node["name"]).strip()


def _parents(manifest: Manifest, folder: str) -> Iterator[str]:
    nodes = {node["unique_id"]: node for node in _all(manifest)}
    for node in manifest.nodes("model"):
        if node["path"].startswith(f"marts/{folder}/"):
            for parent in sorted(node["depends_on"]["nodes"]):
                name = _name(nodes[parent])
                kind = nodes[parent]["resource_type"]
                label = name if kind == "model" else f"{kind} {name}"
                yield f'{name.replace(".", "_")}["{label}"] --> {_name(node)}'


def _replaced() -> Iterator[str]:
    yield 'raw["new versions in raw"] --> stg_ops__changed_message'
    yield "stg_ops__changed_message --> intermediate"
    tables = sorted({table.split(".")[1] for table, _ in REPLACED.values()} - {"stg_ops__changed_message"})
    yield from (f"intermediate --> {table}" for table in tables)
    for mart, (table, keys) in REPLACED.items():
        shown = f'(["{mart}"])' if mart in STATE else ""
        yield f'{table.split(".")[1]} -- "{", ".join(keys)}" --> {mart}{shown}'
