"""The lives: states in order, answers in working time, closing, reconsideration."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import pytest

from demo.appeals import appeal
from demo.arrivals import arrivals
from demo.incidents import incident
from demo.life import Message, as_timestamp, message, state
from demo.reference import load_reference
from demo.worktime import working_time

UNTIL = date(2026, 11, 22)
END = datetime.max


@pytest.fixture(scope="module")
def lives() -> list[Message]:
    """Messages as they are before any flaw."""
    rng, reference = Random(3), load_reference()
    make = {"incident": incident, "pos": appeal}
    flow = arrivals(reference, weeks=6, monthly=2000, until=UNTIL, rng=rng)
    return [make[one.source](one, number, reference, rng) for number, one in enumerate(flow)]


@pytest.fixture(scope="module")
def incidents(lives: list[Message]) -> list[Message]:
    return [one for one in lives if one.source == "incident"]


@pytest.fixture(scope="module")
def appeals(lives: list[Message]) -> list[Message]:
    return [one for one in lives if one.source == "pos"]


def test_state_is_the_fold_of_the_changes_up_to_the_moment() -> None:
    noon = datetime(2026, 11, 16, 12)
    life = message("pos", [(noon + timedelta(hours=1), {"stage": "b"}), (noon, {"stage": "a", "rating": None})])
    assert state(life, noon - timedelta(seconds=1)) == {}
    assert state(life, noon) == {"stage": "a", "rating": None}
    assert state(life, noon + timedelta(hours=1)) == {"stage": "b", "rating": None}


def test_creation_comes_first_and_fills_the_row(lives: list[Message]) -> None:
    for one in lives:
        assert one.history[0][0] == one.created_at
        assert len(one.history[0][1]) > 20


def test_an_incident_is_created_then_answered_then_closed(incidents: list[Message]) -> None:
    order = ("created_at", "first_answer_at", "satisfaction_step_at", "closed_at")
    for one in incidents:
        for moment, _ in one.history:
            row = state(one, moment)
            shown = [str(row[field]) for field in order if row.get(field)]
            assert shown == sorted(shown)
            assert shown[-1] <= as_timestamp(moment)


def test_what_an_incident_has_once_shown_as_answered_stays(incidents: list[Message]) -> None:
    for one in incidents:
        shown = {state(one, moment).get("first_answer_at") for moment, _ in one.history} - {None}
        assert len(shown) <= 1


def test_the_working_figure_is_the_working_time_between_the_moments_shown(incidents: list[Message]) -> None:
    minute, seen = timedelta(minutes=1), 0
    for one in incidents:
        row = state(one, END)
        if row.get("first_answer_at"):
            created, answered = (datetime.fromisoformat(str(row[f])) for f in ("created_at", "first_answer_at"))
            figure = row["first_answer_elapsed_working"]
            assert isinstance(figure, timedelta)
            assert figure - minute < working_time(created, answered) <= figure
            seen += 1
    assert seen > 1000


def test_most_incidents_close_by_themselves_after_97_hours(incidents: list[Message]) -> None:
    hours = []
    for one in incidents:
        row = state(one, END)
        if row.get("satisfaction_step_at"):
            step, closed = (datetime.fromisoformat(str(row[f])) for f in ("satisfaction_step_at", "closed_at"))
            hours.append((closed - step) / timedelta(hours=1))
    assert sum(96.5 < one < 97.5 for one in hours) > 0.6 * len(hours)
    assert min(hours) < 24


def test_some_incidents_are_never_answered_some_closed_without_an_answer(incidents: list[Message]) -> None:
    ends = [state(one, END) for one in incidents]
    unanswered = [row for row in ends if not row.get("first_answer_at")]
    assert 0.01 < len(unanswered) / len(ends) < 0.06
    assert {bool(row.get("closed_at")) for row in unanswered} == {True, False}


def test_bodies_differ_in_pace_so_that_all_zones_appear(incidents: list[Message]) -> None:
    answers: dict[object, list[bool]] = {}
    for row in (state(one, END) for one in incidents):
        figure = row.get("first_answer_elapsed_working")
        if isinstance(figure, timedelta):
            answers.setdefault(row["municipality"], []).append(figure <= timedelta(minutes=540))
    shares = [sum(one) / len(one) for one in answers.values() if len(one) >= 10]
    assert max(shares) >= 0.95
    assert any(0.8 <= share < 0.95 for share in shares)
    assert min(shares) < 0.8


def test_scores_and_reasons_share_a_field(incidents: list[Message]) -> None:
    reasons = {state(one, END).get("closing_reason") for one in incidents}
    assert reasons >= {"1", "5", "Автор доволен", "Нет ответа от автора", "Дальнейший диалог нецелесообразен"}


def test_topics_departments_and_municipalities_are_corrected(incidents: list[Message]) -> None:
    for field in ("topic", "department", "municipality"):
        assert any(one.history[0][1][field] != state(one, END)[field] for one in incidents)


def test_an_appeal_completes_after_receipt_and_mostly_in_time(appeals: list[Message]) -> None:
    done = late = 0
    for row in (state(one, END) for one in appeals):
        if row["completed_date"] == "-" or row["planned_date"] == "-":
            continue
        received, planned, completed = (day(row[f]) for f in ("received_date", "planned_date", "completed_date"))
        assert received < completed
        assert (planned - received).days == (10 if row["is_fast_track"] == "Да" else 30)
        done += 1
        late += completed > planned
    assert 0.03 < late / done < 0.25


def test_a_reconsidered_appeal_shows_another_completion_date(appeals: list[Message]) -> None:
    blanked = moved = 0
    for one in appeals:
        shown = [str(state(one, moment)["completed_date"]) for moment, _ in one.history]
        dates = list(dict.fromkeys(text for text in shown if text != "-"))
        if state(one, END)["is_reconsidered"] == "Да":
            assert len(dates) == 2
            assert day(dates[0]) < day(dates[1])
            reopened = "-" in shown[shown.index(dates[0]) :]
            blanked, moved = blanked + reopened, moved + (not reopened)
        else:
            assert len(dates) <= 1
    assert blanked
    assert moved


def test_some_appeals_change_hands_and_some_end_without_a_date(appeals: list[Message]) -> None:
    ends = [state(one, END) for one in appeals]
    assert any(row["org_received"] != row["org_current"] for row in ends)
    assert any(row["stage"] == "Завершено" and row["completed_date"] == "-" for row in ends)
    assert any(row["is_overdue"] == "Да" for row in ends)


def day(text: object) -> date:
    return datetime.strptime(str(text), "%d.%m.%Y").date()
