"""What one message says: causes of one kind and reason in one line, so many lines, the rest counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from mcu.alerts.kinds import KINDS
from mcu.alerts.ledger import Alert

LINES = 20
NAMES = 3


@dataclass(frozen=True)
class Line:
    """Alerts of one kind and reason."""

    kind: str
    what: str
    subjects: tuple[str, ...]
    since: datetime

    @property
    def text(self) -> str:
        """Whom it concerns, three by name, the others by number, and the reason."""
        rest = len(self.subjects) - NAMES
        return f"{', '.join(self.subjects[:NAMES])}{f' и ещё {rest}' if rest > 0 else ''}: {self.what}"


@dataclass(frozen=True)
class Message:
    """`new` and `gone`: everything there is to tell; not both empty."""

    new: Sequence[Alert]
    gone: Sequence[Alert]
    timezone: ZoneInfo

    @property
    def subject(self) -> str:
        """Of the mail: counts and our own words, nothing that came from outside."""
        counts = Counter(alert.kind for alert in self.new)
        parts = [f"{KINDS[kind].title.lower()} ({counts[kind]})" for kind in KINDS if counts[kind]]
        return f"МЦУ: {', '.join([*parts[:NAMES], *['и другое'] * (len(parts) > NAMES)]) or 'неполадки устранены'}"

    @property
    def text(self) -> str:
        """For a mail or a chat."""
        parts = []
        for kind, lines in groupby(lines_of(self.new)[:LINES], key=lambda line: line.kind):
            told = (f"- {line.text} (с {line.since.astimezone(self.timezone):%d.%m.%Y %H:%M})" for line in lines)
            parts.append("\n".join([KINDS[kind].title, *told, f"Что делать: {KINDS[kind].triage}"]))
        parts += _left(self.new)
        if self.gone:
            told = (f"- {KINDS[line.kind].title.lower()}: {line.text}" for line in lines_of(self.gone)[:LINES])
            parts.append("\n".join(["Устранено", *told]))
            parts += _left(self.gone)
        return "\n\n".join(parts) + "\n"

    @property
    def body(self) -> dict[str, Any]:
        """For a webhook, as JSON: `text`, the lines that it shows, and how many alerts there are in all."""
        return {
            "text": self.text,
            "alerts": [_json(line) | {"triage": KINDS[line.kind].triage} for line in lines_of(self.new)[:LINES]],
            "gone": [_json(line) for line in lines_of(self.gone)[:LINES]],
            "counts": {"alerts": len(self.new), "gone": len(self.gone)},
        }


def lines_of(alerts: Iterable[Alert]) -> list[Line]:
    """A line a kind and reason; graver kinds first, then by what concerns more."""
    grouped: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        grouped.setdefault((alert.kind, alert.what), []).append(alert)
    order = {kind: number for number, kind in enumerate(KINDS)}
    lines = [
        Line(kind, what, tuple(alert.subject for alert in same), min(alert.since for alert in same))
        for (kind, what), same in grouped.items()
    ]
    return sorted(lines, key=lambda line: (order[line.kind], -len(line.subjects), line.since))


def _left(alerts: Iterable[Alert]) -> list[str]:
    left = Counter[str]()
    for line in lines_of(alerts)[LINES:]:
        left[line.kind] += len(line.subjects)
    counts = ", ".join(f"{KINDS[kind].title.lower()} — {count}" for kind, count in left.items())
    return [f"Не показано: {counts}. Все: select * from ops.alert where gone_at is null"] if counts else []


def _json(line: Line) -> dict[str, str]:
    return {"kind": line.kind, "what": line.text, "since": line.since.isoformat()}
