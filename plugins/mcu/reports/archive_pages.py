"""The static pages by which people browse the archive: by period, by municipality, and what late data changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mcu.reports import format
from mcu.reports.archive import PAGE, Archive, Archived
from mcu.reports.compare import Change
from mcu.reports.compose import dates
from mcu.reports.pages import template
from mcu.reports.period import Period
from mcu.reports.query import OBLAST

INDEX, CHANGES, SCOPES = "index.html", "changes.html", "scopes"


def write(archive: Archive, timezone: ZoneInfo) -> None:
    """Write every page anew; times are shown in `timezone`."""
    periods = list(archive.periods())
    by_scope: dict[str, list[Archived]] = defaultdict(list)
    for period in periods:
        editions = archive.of_period(period)
        for edition in editions:
            by_scope[edition.scope].append(edition)
    names = {scope: editions[0].name for scope, editions in by_scope.items()}
    for period in periods:
        _period_page(archive, period, names, timezone)
    for scope, editions in by_scope.items():
        _page(archive.root / SCOPES / f"{scope}.html", "scope", timezone, name=names[scope], editions=editions)
    scopes = sorted(names.items(), key=lambda item: (item[0] != OBLAST, item[1]))
    _page(archive.root / INDEX, "index", timezone, periods=periods, scopes=scopes)


def _period_page(archive: Archive, period: Period, names: Mapping[str, str], timezone: ZoneInfo) -> None:
    path = archive.folder(period) / INDEX
    editions = sorted(
        archive.of_period(period), key=lambda one: (one.scope != "oblast", names[one.scope], one.revision)
    )
    _page(path, "period", timezone, period=period, editions=editions, names=names)


def write_changes(archived: Archived, found: Sequence[Change], timezone: ZoneInfo) -> None:
    """Beside the edition: what it told and what the marts say now. No page if that is the same."""
    path = archived.folder / CHANGES
    if not found:
        path.unlink(missing_ok=True)
        return
    both = [one for one in found if one.before and one.after]
    parts = [
        ("Исправлено", [one for one in both if one.is_correction]),
        ("Оценки и итоги, которые пришли позже", [one for one in both if not one.is_correction]),
        ("Больше не в отчёте", [one for one in found if one.after is None]),
        ("Появилось в отчёте", [one for one in found if one.before is None]),
    ]
    _page(path, "changes", timezone, archived=archived, parts=parts)


def _page(path: Path, kind: str, timezone: ZoneInfo, **values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {"dates": dates, "PAGE": PAGE, "CHANGES": CHANGES, "INDEX": INDEX, "SCOPES": SCOPES}
    page = template("archive.html.j2", **names)
    text = page.render(page=kind, moment=partial(format.moment, timezone=timezone), **values)
    half_made = path.with_suffix(".new")
    half_made.write_text(text, encoding="utf-8")
    half_made.rename(path)
