"""Every edition as it went out: a folder an edition, read by people in a browser and by the deliveries that follow.

`<report>/<first day>/<scope>/r<revision>/` holds report.html with its pictures, the attached files, mail.txt and
numbers.json. An edition is there whole or not at all, and stays once it went out: all its recipients get these bytes.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mcu.reports import compare, html
from mcu.reports.compare import Told
from mcu.reports.document import Document
from mcu.reports.period import Period, Report
from mcu.reports.query import OBLAST
from mcu.reports.render import XLSX, Attachment, Rendered

PAGE, TEXT, NUMBERS = "report.html", "mail.txt", "numbers.json"
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".xlsx": XLSX,
}
_DAY, _REVISION = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"r([1-9]\d*)")


@dataclass(frozen=True)
class Archived:
    """One edition, in `folder`; what it says of itself is read when it is asked for."""

    period: Period
    scope: str
    revision: int
    folder: Path

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """name, subject, data_as_of, made_at (ISO), warnings, missing (sources that lacked the period), numbers."""
        said: dict[str, Any] = json.loads((self.folder / NUMBERS).read_text(encoding="utf-8"))
        return said

    @property
    def name(self) -> str:
        return str(self.said["name"])

    @property
    def data_as_of(self) -> datetime:
        return datetime.fromisoformat(self.said["data_as_of"])

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.said["made_at"])

    @property
    def numbers(self) -> dict[str, Told]:
        """What the edition told, by address."""
        return {path: Told(**one) for path, one in self.said["numbers"].items()}

    @property
    def files(self) -> list[Path]:
        """The attached files, by name."""
        return sorted(path for path in self.folder.iterdir() if path.suffix in MEDIA_TYPES)


@dataclass(frozen=True)
class Archive:
    """The archive in `root`, made when something is put into it."""

    root: Path

    def put(self, document: Document, rendered: Rendered, made_at: datetime) -> Archived:
        """Keep an edition in place of one that may be there. Raises OSError if it cannot be written."""
        archived = self._edition(document.period, document.scope, document.revision)
        half_made = archived.folder.with_name(f"{archived.folder.name}.new")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(parents=True)
        _write(half_made, document, rendered, made_at)
        if archived.folder.exists():
            shutil.rmtree(archived.folder)
        half_made.rename(archived.folder)
        return archived

    def get(self, period: Period, scope: str, revision: int) -> Archived | None:
        """The edition, None if it is not there."""
        archived = self._edition(period, scope, revision)
        return archived if archived.folder.exists() else None

    def remove(self, archived: Archived) -> None:
        """Take an edition out: one that never went."""
        shutil.rmtree(archived.folder)

    def of_period(self, period: Period) -> list[Archived]:
        """The editions of a period, the oblast's first, each scope's in the order of their revisions."""
        folders = self.folder(period).glob("*/r*")
        found = [
            Archived(period, folder.parent.name, int(match[1]), folder)
            for folder in folders
            if (match := _REVISION.fullmatch(folder.name))
        ]
        return sorted(found, key=lambda one: (one.scope != OBLAST, one.scope, one.revision))

    def periods(self) -> Iterator[Period]:
        """The periods that it has anything of, the newest first, the weekly ones before the daily ones."""
        reports: tuple[Report, ...] = ("weekly", "daily")
        for report in reports:
            days = (path.name for path in (self.root / report).glob("*") if _DAY.fullmatch(path.name))
            yield from (Period(report, date.fromisoformat(day)) for day in sorted(days, reverse=True))

    def prune(self, before: date) -> list[Period]:
        """Remove the periods that ended before `before`; returns them."""
        removed = [period for period in self.periods() if period.end < before]
        for period in removed:
            shutil.rmtree(self.folder(period))
        return removed

    def _edition(self, period: Period, scope: str, revision: int) -> Archived:
        return Archived(period, scope, revision, self.folder(period) / scope / f"r{revision}")

    def folder(self, period: Period) -> Path:
        """Where the period's editions lie."""
        return self.root / period.report / f"{period.start:%Y-%m-%d}"


def mail(archived: Archived) -> Rendered:
    """The mail as it was first made."""
    pictures = {path.stem: path.read_bytes() for path in archived.folder.glob("*.png")}
    page = (archived.folder / PAGE).read_text(encoding="utf-8")
    for name in pictures:
        in_mail, beside = _sources(name)
        page = page.replace(beside, in_mail)
    return Rendered(
        subject=str(archived.said["subject"]),
        text=(archived.folder / TEXT).read_text(encoding="utf-8"),
        html=page,
        images={html.content_id(name): png for name, png in pictures.items()},
        attachments=[Attachment(path.name, MEDIA_TYPES[path.suffix], path.read_bytes()) for path in archived.files],
    )


def _write(folder: Path, document: Document, rendered: Rendered, made_at: datetime) -> None:
    page = rendered.html
    for picture in document.pictures:
        page = page.replace(*_sources(picture.name))
        (folder / f"{picture.name}.png").write_bytes(picture.png)
    (folder / PAGE).write_text(page, encoding="utf-8")
    (folder / TEXT).write_text(rendered.text, encoding="utf-8")
    for attachment in rendered.attachments:
        (folder / attachment.name).write_bytes(attachment.content)
    said = {
        "name": document.name,
        "subject": document.subject,
        "data_as_of": document.as_of.isoformat(),
        "made_at": made_at.isoformat(),
        "warnings": list(document.warnings),
        "missing": list(document.missing),
        "numbers": {path: asdict(one) for path, one in compare.told(document).items()},
    }
    (folder / NUMBERS).write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")


def _sources(name: str) -> tuple[str, str]:
    """How a mail refers to a picture, and how a page beside it does."""
    return f'src="cid:{html.content_id(name)}"', f'src="{name}.png"'
