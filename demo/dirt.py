"""What is wrong in real exports: lasting flaws in the life of a message, and noise of a single file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from demo.life import Message, Row, as_date, as_timestamp

Flaw = Callable[[Row, Random], Row]


def _answered_before_created(row: Row, rng: Random) -> Row:
    if "first_answer_at" in row:
        answered = datetime.fromisoformat(str(row["first_answer_at"]))
        return {"first_answer_at": as_timestamp(answered - timedelta(days=rng.randint(60, 400)))}
    if row.get("completed_date", "-") != "-":
        completed = datetime.strptime(str(row["completed_date"]), "%d.%m.%Y")
        return {"completed_date": as_date(completed - timedelta(days=rng.randint(60, 400)))}
    return {}


def _created_in_the_future(row: Row, rng: Random) -> Row:
    field = "created_at" if "created_at" in row else "received_date"
    return {field: str(row[field]).replace("202", "203", 1)} if field in row else {}


def _no_such_day(row: Row, rng: Random) -> Row:
    if "created_at" in row:
        year, rest = str(row["created_at"])[:4], str(row["created_at"])[10:]
        return {"created_at": rng.choice([f"{year}-13-45{rest}", f"{year}-02-31{rest}"])}
    if "received_date" in row:
        return {"received_date": f"31.02.{str(row['received_date'])[-4:]}"}
    return {}


def _no_key(row: Row, rng: Random) -> Row:
    return {field: None for field in ("im_id", "pos_number") if field in row}


def _unknown_place(row: Row, rng: Random) -> Row:
    if "municipality" in row:
        return {"municipality": rng.choice(["Омск г.о.", "Тьмутараканский район", "Краснодар г.о."])}
    stranger = rng.choice(
        ["Администрация города Омска", "ООО «Ромашка-Сервис»", "Администрация Тьмутараканского района"]
    )
    return {field: stranger for field in ("org_received", "org_current") if field in row}


def _bad_score(row: Row, rng: Random) -> Row:
    if str(row.get("closing_reason", "")).isdigit():
        return {"closing_reason": rng.choice(["7", "0"])}
    return {"rating": rng.choice([7, 0])} if row.get("rating", "-") != "-" else {}


# Flaw → share of the messages; what is not lasting is set right by the system some days later.
FLAWS: dict[Flaw, float] = {
    _answered_before_created: 0.003,
    _created_in_the_future: 0.003,
    _no_such_day: 0.003,
    _no_key: 0.0004,
    _unknown_place: 0.02,
    _bad_score: 0.03,
}
LASTING = {_unknown_place, _bad_score}


def with_flaws(message: Message, rng: Random) -> Message:
    """The message with, perhaps, one flaw in the changes of its history."""
    lot = rng.random()
    for flaw, share in FLAWS.items():
        lot -= share
        if lot < 0:
            return _spoil(message, flaw, rng)
    return message


def _spoil(message: Message, flaw: Flaw, rng: Random) -> Message:
    history = []
    for moment, row in message.history:
        wrong = flaw(row, rng)
        history.append((moment, row | wrong))
        if wrong and flaw not in LASTING and rng.random() < 0.6:
            right = {field: row[field] for field in wrong}
            history.append((moment + timedelta(days=rng.uniform(2, 14)), right))
    return replace(message, history=tuple(sorted(history, key=lambda change: change[0])))


DUPLICATE_SHARE = 0.002
CONFLICT_SHARE = 0.0005
REAL_DATE_SHARE = 0.005
YO_SHARE = 0.3


def with_noise(rows: list[Row], rng: Random) -> list[Row]:
    """The rows of one file: a few twice, a few twice with different content, a few with real dates in place of text."""
    noisy: list[Row] = []
    for row in rows:
        noisy.append(_with_real_dates(row) if rng.random() < REAL_DATE_SHARE else row)
        lot = rng.random()
        if lot < DUPLICATE_SHARE:
            noisy.append(row)
        elif lot < DUPLICATE_SHARE + CONFLICT_SHARE:
            noisy.append(row | {"outcome": "Отложено"} if "outcome" in row else row | {"status": "На контроле"})
    return noisy


def _with_real_dates(row: Row) -> Row:
    formats = {"created_at": "%Y-%m-%d %H:%M:%S", "received_date": "%d.%m.%Y", "planned_date": "%d.%m.%Y"}
    real: Row = {}
    for field, pattern in formats.items():
        try:
            real[field] = datetime.strptime(str(row.get(field)), pattern)
        except ValueError:
            continue
    return row | real
