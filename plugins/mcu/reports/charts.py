"""Charts as PNG, drawn for a column 4.8 inches wide so that their text is still readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mcu.reports.format import decimal, integer, shortened

WIDTH_INCHES = 4.8
DPI = 250  # 1200 pixels: twice the width of the mail
LABEL_LENGTH = 60

HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#f6d9a8", "#dd7d4a", "#96271d"])
BLUE, GREEN, GREY, PALE, INK = "#1f5fa8", "#23886b", "#d5dbe3", "#a9c1de", "#2b3440"


@dataclass(frozen=True)
class TrendPoint:
    """One week or day: `label` under the axis and three counts."""

    label: str
    received: int
    answered: int
    open_at_end: int


@dataclass(frozen=True)
class Bar:
    """One bar with its label above; `before` is drawn pale under it, if there is one."""

    label: str
    value: float
    before: float | None = None


def trend(points: Sequence[TrendPoint]) -> bytes:
    """Lines of received and answered over bars of what was open at the end; the legend holds the last values."""
    with _style():
        figure = Figure(figsize=(WIDTH_INCHES, 2.9), dpi=DPI)
        axes = figure.subplots()
        places = range(len(points))
        last = points[-1]
        for values, colour, name in (
            ([point.received for point in points], BLUE, f"поступило {integer(last.received)}"),
            ([point.answered for point in points], GREEN, f"отвечено {integer(last.answered)}"),
        ):
            axes.plot(places, values, color=colour, linewidth=2, marker="o", markersize=3.5, label=name, zorder=3)
        open_values = [point.open_at_end for point in points]
        axes.bar(places, open_values, color=GREY, width=0.7, label=f"без ответа {integer(last.open_at_end)}")

        step = 2 if len(points) > 7 else 1
        shown = [place for place in places if (len(points) - 1 - place) % step == 0]
        axes.set_xticks(shown, [points[place].label for place in shown], fontsize=8.5)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: integer(value))
        axes.set_ylim(0, max(5, axes.get_ylim()[1]))
        axes.tick_params(axis="both", length=0, labelcolor=INK)
        axes.grid(axis="y", color="#e6eaef", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color("#b8c1cc")
        figure.legend(loc="upper left", ncols=3, frameon=False, fontsize=9, handlelength=1.1, columnspacing=1.1)
        figure.subplots_adjust(left=0.115, right=0.985, top=0.86, bottom=0.1)
        return _png(figure)


def bars(items: Sequence[Bar], *, is_share: bool = False) -> bytes:
    """Horizontal bars, the first on top, each label on its own line above its bar so that none is cut short."""
    with _style():
        figure = Figure(figsize=(WIDTH_INCHES, 0.3 + 0.43 * len(items)), dpi=DPI)
        axes = figure.subplots()
        longest = max([*(item.value for item in items), *(item.before or 0 for item in items), 1e-9])
        for place, item in enumerate(items):
            axes.barh(place + 0.22, item.value, height=0.3, color=BLUE, zorder=3)
            if item.before is not None:
                axes.barh(place + 0.42, item.before, height=0.12, color=PALE, zorder=2)
            axes.text(0, place - 0.05, shortened(item.label, LABEL_LENGTH), va="bottom", fontsize=9)
            text = decimal(item.value) if is_share else integer(item.value)
            axes.text(item.value + longest * 0.012, place + 0.24, text, va="center", fontsize=9.5, fontweight="bold")
        axes.set_xlim(0, longest * 1.14)
        axes.set_ylim(len(items) - 0.35, -0.6)
        axes.axis("off")
        figure.subplots_adjust(left=0.01, right=0.99, top=1, bottom=0.01)
        return _png(figure)


def heat(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> bytes:
    """A field a row and column, the darker the more, its number in it; zeros stay white and empty."""
    with _style():
        height = 1.6 + 0.235 * len(rows)
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI)
        axes = figure.subplots()
        most = max((value for row in values for value in row), default=0.0) or 1.0
        axes.imshow(values, cmap=HEAT, vmin=0, vmax=most, aspect="auto")
        for place, row in enumerate(values):
            for group, value in enumerate(row):
                if value:
                    colour = "white" if value > 0.6 * most else INK
                    axes.text(group, place, decimal(value), ha="center", va="center", fontsize=8, color=colour)
        axes.set_yticks(range(len(rows)), [shortened(row, 23) for row in rows], fontsize=8.5)
        labels = [shortened(column, 20) for column in columns]
        axes.set_xticks(range(len(columns)), labels, fontsize=8.5, rotation=60, ha="left", rotation_mode="anchor")
        axes.tick_params(axis="both", length=0, labelcolor=INK)
        axes.tick_params(axis="x", bottom=False, top=True, labelbottom=False, labeltop=True)
        axes.spines[:].set_visible(False)
        figure.subplots_adjust(left=0.385, right=0.89, top=1 - 1.5 / height, bottom=0.1 / height)
        return _png(figure)


def _style() -> AbstractContextManager[None]:
    # A topic may hold «$»: it is a letter, not the beginning of a formula.
    return matplotlib.rc_context(
        {"font.family": "DejaVu Sans", "font.size": 10, "text.parse_math": False, "text.color": INK}
    )


def _png(figure: Figure) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()
