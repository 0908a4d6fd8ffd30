"""Data Docs: the last results of every suite as web pages in one folder."""

from __future__ import annotations

import fcntl
import html
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcu.quality.gate import KEPT_RESULTS

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

SHOWN_VALUES = 20
LONGEST_NAME = 80  # characters of a folder's name, which has 255 bytes


def publish(results: Sequence[ExpectationSuiteValidationResult], folder: Path) -> Path:
    """Add results to the pages in `folder`, drop the oldest, return the index page. Safe in several processes."""
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / ".lock"):
        context = _context(folder)
        added = []
        for result in results:
            batch = result.meta["active_batch_definition"]["data_asset_name"]
            run = RunIdentifier(run_name=re.sub(r"[^\w.-]+", "_", batch).strip("_")[-LONGEST_NAME:])
            key = ValidationResultIdentifier(ExpectationSuiteIdentifier(result.suite_name), run, "rows")
            context.validation_results_store.set(key, _shortened(result))
            added.append(key)
        _drop_old(context)
        context.build_data_docs(resource_identifiers=added)
    return folder / "index.html"


def clear(folder: Path) -> None:
    """Remove all pages and results: the next loads and builds make new ones."""
    if not folder.exists():
        return
    with _locked(folder / ".lock"):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != ".lock":
                path.unlink()


def trim(folder: Path, before: datetime) -> int:
    """Remove the results that are older than `before`, with their pages; returns how many there were."""
    kept = (folder / "results").rglob("*.json")
    if all(path.stat().st_mtime >= before.timestamp() for path in kept):
        return 0  # without waiting for the library, which takes seconds to come
    with _locked(folder / ".lock"):
        context = _context(folder)
        store: Any = context.validation_results_store
        old = [key for key in store.list_keys() if key.run_id.run_time < before]
        for key in old:
            store.remove_key(key)
        context.build_data_docs()
    return len(old)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _context(folder: Path) -> EphemeralDataContext:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    defaults = InMemoryStoreBackendDefaults()
    defaults.stores[defaults.validation_results_store_name]["store_backend"] = _files(folder / "results")
    defaults.data_docs_sites = {
        "mcu": {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": _files(folder)}
    }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def _files(folder: Path) -> dict[str, Any]:
    return {
        "module_name": "mcu.quality.whole_files",
        "class_name": "WholeFiles",
        "base_directory": str(folder.absolute()),
    }


def _shortened(result: ExpectationSuiteValidationResult) -> ExpectationSuiteValidationResult:
    """The pages show some failing values, as they stand, for HTML; the gate has named all failing rows."""
    for entry in result.results:
        for name, value in entry.result.items():
            entry.result[name] = _as_text(value[:SHOWN_VALUES] if isinstance(value, list) else value)
    return result


def _as_text(value: Any) -> Any:
    """The value with all text in it such that a page shows it and does not run it."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return {name: _as_text(one) for name, one in value.items()} if isinstance(value, dict) else value


def _drop_old(context: EphemeralDataContext) -> None:
    """Keep the newest results of each suite; the build removes the pages of the others."""
    store: Any = context.validation_results_store
    seen: Counter[str] = Counter()
    keys: list[Any] = store.list_keys()
    for key in sorted(keys, key=lambda key: key.run_id.run_time, reverse=True):
        suite = key.expectation_suite_identifier.name
        seen[suite] += 1
        if seen[suite] > KEPT_RESULTS:
            store.remove_key(key)
