"""The dirt: enough of each kind to be met, too little to ruin the numbers."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random

import pytest

from demo.dirt import UNKNOWN_MUNICIPALITIES, UNKNOWN_ORGANISATIONS, with_flaws, with_noise
from demo.exports import CABINETS, plan_exports
from demo.life import Message, Row, message, state

UNTIL = date(2026, 11, 22)
KEYS = {"incident": "im_id", "pos": "pos_number"}


def moment(cell: object) -> datetime | None:
    """A date as either system writes it; raises ValueError if there is no such day."""
    if cell in (None, "-"):
        return None
    if isinstance(cell, datetime):
        return cell
    text = str(cell)
    return datetime.fromisoformat(text) if text[4] == "-" else datetime.strptime(text, "%d.%m.%Y")


def fault(row: Row, exported_at: datetime) -> str | None:
    """Why a row alone could not be believed."""
    if row.get("im_id", row.get("pos_number")) is None:
        return "no key"
    try:
        created = moment(row.get("created_at", row.get("received_date")))
        answered = moment(row.get("first_answer_at", row.get("completed_date")))
    except ValueError:
        return "unreadable"
    if created is None or created > exported_at:
        return "created after the export"
    return "answered before created" if answered and answered < created else None


def test_about_one_row_in_a_hundred_is_faulty_in_every_way(messages: list[Message]) -> None:
    faults: Counter[str] = Counter()
    rows_read = conflicting = repeated = 0
    for export in plan_exports(8, UNTIL)[-8:]:
        rows, key = export.rows(messages, 5), KEYS[export.cabinet.source]
        rows_read += len(rows)
        faults.update(filter(None, (fault(row, export.exported_at) for row in rows)))
        versions: dict[object, list[Row]] = {}
        for row in rows:
            versions.setdefault(row[key], []).append(row)
        twice = [pair for one, pair in versions.items() if len(pair) > 1 and one is not None]
        conflicting += sum(len(pair) for pair in twice if pair[0].get("outcome") != pair[1].get("outcome"))
        repeated += len(twice)
    assert faults.keys() == {"no key", "unreadable", "created after the export", "answered before created"}
    assert 0.004 < sum(faults.values()) / rows_read < 0.016
    assert conflicting
    assert 0.0005 < repeated / rows_read < 0.01


def test_about_two_rows_in_a_hundred_name_an_unknown_place(messages: list[Message]) -> None:
    incident, pos = (plan_exports(8, UNTIL)[-2 + place].rows(messages, 5) for place, _ in enumerate(CABINETS))
    strangers = sum(row["municipality"] in UNKNOWN_MUNICIPALITIES for row in incident)
    assert 0.008 < strangers / len(incident) < 0.04
    strangers = sum(row["org_current"] in UNKNOWN_ORGANISATIONS for row in pos)
    assert 0.008 < strangers / len(pos) < 0.04


def test_bad_scores_yo_and_real_dates_are_there(messages: list[Message]) -> None:
    rows = [row for export in plan_exports(8, UNTIL)[-2:] for row in export.rows(messages, 5)]
    scores = Counter(str(row.get("closing_reason", row.get("rating"))) for row in rows)
    assert 0 < scores["7"] + scores["0"] < 0.2 * sum(scores[str(score)] for score in range(1, 6))
    assert {"Весёловский район", "Веселовский район"} <= {row.get("municipality") for row in rows}
    real = [row for row in rows if any(isinstance(cell, datetime) for cell in row.values())]
    assert 0 < len(real) < 0.02 * len(rows)


def test_a_corrected_flaw_ends_in_the_state_that_it_hid() -> None:
    noon = datetime(2026, 11, 16, 12)
    clean = message(
        "incident",
        [
            (noon, {"im_id": 1, "created_at": "2026-11-16 12:00:00"}),
            (noon + timedelta(hours=3), {"first_answer_at": "2026-11-16 15:00:00"}),
        ],
    )
    rng = Random(1)
    spoiled = [one for one in (with_flaws(clean, rng) for _ in range(3000)) if one != clean]
    corrected = [one for one in spoiled if len(one.history) == 3]
    assert spoiled
    assert len(corrected) < len(spoiled)
    assert corrected
    for one in corrected:
        assert state(one, noon + timedelta(hours=4)) != state(clean, datetime.max)
        assert state(one, datetime.max) == state(clean, datetime.max)


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_adds_rows_and_takes_none(seed: int) -> None:
    rows: list[Row] = [{"im_id": number, "created_at": "2026-11-16 12:00:00"} for number in range(5000)]
    noisy = with_noise(rows, Random(seed))
    assert {row["im_id"] for row in noisy} == set(range(5000))
    assert 0 < len(noisy) - len(rows) < 50
