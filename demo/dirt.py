"""What is wrong in real exports: lasting flaws in the life of a message, and noise of a single file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from demo.life import Message, Row, as_date, as_timestamp, state

Flaw = Callable[[Row, Random], Row]

TIMESTAMP, DATE = "%Y-%m-%d %H:%M:%S", "%d.%m.%Y"
UNKNOWN_MUNICIPALITIES = ["Омск г.о.", "Тьмутараканский район", "Краснодар г.о."]
UNKNOWN_ORGANISATIONS = ["Администрация города Омска", "ООО «Ромашка-Сервис»", "Тьмутараканская управа"]
NAME_FIELDS = ("municipality", "settlement", "org_received", "org_current")

WITHOUT_YO_SHARE = 0.4
DUPLICATE_SHARE = 0.002
CONFLICT_SHARE = 0.0007
REAL_DATE_SHARE = 0.005


def with_flaws(message: Message, rng: Random) -> Message:
    """The message with, perhaps, one flaw in its history; some clerks never write the letter ё."""
    if rng.random() < WITHOUT_YO_SHARE:
        message = replace(message, history=tuple((moment, row | _without_yo(row)) for moment, row in message.history))
    lot = rng.random()
    for flaw, share in FLAW_SHARES.items():
        lot -= share
        if lot < 0:
            return _spoiled(message, flaw, rng)
    return message


def _spoiled(message: Message, flaw: Flaw, rng: Random) -> Message:
    changes = [(moment, flaw(row, rng)) for moment, row in message.history]
    history = [(moment, row | wrong) for (moment, row), (_, wrong) in zip(message.history, changes, strict=True)]
    if flaw in CORRECTED and rng.random() < 0.6:
        truth = state(message, datetime.max)
        corrected_at = history[-1][0] + timedelta(days=rng.uniform(1, 9))
        history.append((corrected_at, {field: truth[field] for _, wrong in changes for field in wrong}))
    return replace(message, history=tuple(history))


def _answered_before_created(row: Row, rng: Random) -> Row:
    back = timedelta(days=rng.randint(60, 400))
    if "first_answer_at" in row:
        return {"first_answer_at": as_timestamp(datetime.strptime(str(row["first_answer_at"]), TIMESTAMP) - back)}
    if row.get("completed_date", "-") != "-":
        return {"completed_date": as_date(datetime.strptime(str(row["completed_date"]), DATE) - back)}
    return {}


def _created_after_export(row: Row, rng: Random) -> Row:
    ahead = timedelta(days=rng.randint(300, 3000))
    if "created_at" in row:
        return {"created_at": as_timestamp(datetime.strptime(str(row["created_at"]), TIMESTAMP) + ahead)}
    if "received_date" in row:
        return {"received_date": as_date(datetime.strptime(str(row["received_date"]), DATE) + ahead)}
    return {}


def _no_such_day(row: Row, rng: Random) -> Row:
    if "created_at" in row:
        shown = str(row["created_at"])
        return {"created_at": shown[:4] + rng.choice(["-13-45", "-02-31"]) + shown[10:]}
    if "received_date" in row:
        return {"received_date": "31.02" + str(row["received_date"])[5:]}
    return {}


def _no_key(row: Row, rng: Random) -> Row:
    return {field: None for field in ("im_id", "pos_number") if field in row}


def _unknown_place(row: Row, rng: Random) -> Row:
    if "municipality" in row:
        return {"municipality": rng.choice(UNKNOWN_MUNICIPALITIES)}
    fields = rng.choice([("org_received", "org_current"), ("org_current",)])
    stranger = rng.choice(UNKNOWN_ORGANISATIONS)
    return {field: stranger for field in fields if field in row}


def _bad_score(row: Row, rng: Random) -> Row:
    if str(row.get("closing_reason", "")).isdigit():
        return {"closing_reason": rng.choice(["7", "0"])}
    return {"rating": rng.choice([7, 0])} if row.get("rating", "-") != "-" else {}


def _without_yo(row: Row) -> Row:
    return {field: str(row[field]).replace("ё", "е") for field in NAME_FIELDS if row.get(field)}


FLAW_SHARES: dict[Flaw, float] = {
    _answered_before_created: 0.004,
    _created_after_export: 0.004,
    _no_such_day: 0.004,
    _no_key: 0.0004,
    _unknown_place: 0.02,
    _bad_score: 0.03,
}
CORRECTED = {_answered_before_created, _created_after_export, _no_such_day}


def with_noise(rows: list[Row], rng: Random) -> list[Row]:
    """The rows of one file: a few twice, a few twice with different content, a few with real dates in place of text."""
    noisy: list[Row] = []
    for row in rows:
        noisy.append(_with_real_dates(row) if rng.random() < REAL_DATE_SHARE else row)
        lot = rng.random()
        if lot < DUPLICATE_SHARE:
            noisy.append(row)
        elif lot < DUPLICATE_SHARE + CONFLICT_SHARE:
            noisy.append(row | ({"outcome": "Отложено"} if "im_id" in row else {"status": "На контроле"}))
    return noisy


def _with_real_dates(row: Row) -> Row:
    patterns = {"created_at": TIMESTAMP, "first_answer_at": TIMESTAMP, "received_date": DATE, "planned_date": DATE}
    real: Row = {}
    for field, pattern in patterns.items():
        try:
            real[field] = datetime.strptime(str(row.get(field)), pattern)
        except ValueError:
            continue  # empty, or one of the days that do not exist: stays the text it is
    return row | real
