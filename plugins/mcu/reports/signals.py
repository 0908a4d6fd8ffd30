"""Hot spots and emerging topics in words: what, how many, how many were usual."""

from __future__ import annotations

from mcu.reports.document import Line, Number
from mcu.reports.edition import Edition
from mcu.reports.format import plural, short_municipality
from mcu.reports.query import ALL, Row

WINDOWS = {"1": "за день", "2": "за два дня", "7": "за неделю"}


def hotspot(row: Row, edition: Edition) -> Line:
    """«Азов: ЖКХ, 41 сообщение за два дня, обычно 3,2»; a municipality's own edition does not name it again."""
    what = f"{_place(row, edition)}{row.key[2]}, "
    return (what, Number(row, "received"), f" {_messages(row)} {WINDOWS[row.key[3]]}, обычно ", _expected(row), ".")


def emerging_topic(row: Row, edition: Edition) -> Line:
    """«Азов: Прорыв водопровода, 12 сообщений за неделю, обычно 0,5; растёт третью неделю»."""
    what = f"{_place(row, edition)}{row.key[3]}, "
    return (what, Number(row, "received"), f" {_messages(row)} за неделю, обычно ", _expected(row), *_course(row), ".")


def _course(row: Row) -> Line:
    if row["is_new"]:
        return ("; раньше такой темы здесь не было",)
    if row["weeks_growing"] >= 2:
        weeks = plural(row["weeks_growing"], "неделю", "недели", "недель")
        return ("; растёт ", Number(row, "weeks_growing"), f" {weeks} подряд")
    return ()


def _place(row: Row, edition: Edition) -> str:
    if not edition.is_oblast:
        return ""
    return "Вся область: " if row.key[1] == ALL else f"{short_municipality(edition.common.name(row.key[1]))}: "


def _messages(row: Row) -> str:
    return plural(row["received"], "сообщение", "сообщения", "сообщений")


def _expected(row: Row) -> Number:
    return Number(row, "expected")
