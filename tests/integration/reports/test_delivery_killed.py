"""Deliveries that are killed with SIGKILL at every step, against a mail server that is not ours.

Whatever is killed, the next run ends with each recipient `sent`, who then has one mail, or `unknown` and named: only
where the text may have gone, and then there is one mail or none.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from psycopg2.extensions import connection as Connection

from tests.integration.reports import forked_delivery, real_smtp
from tests.integration.reports.conftest import kept_editions
from tests.integration.reports.forked_delivery import (
    Ended,
    killed_mails_are_planned_again,
    ledger_is_written_after_the_send,
    mail_is_sending_from_the_start,
    mail_is_sent_before_it_is_taken,
)
from tests.integration.reports.real_smtp import RealServer
from tests.integration.reports.test_delivery import OBLAST, TAGANROG, WEEK, states, subscribe

pytestmark = pytest.mark.postgres

RECIPIENTS = {"a@mcu.example": OBLAST, "b@mcu.example": OBLAST, "c@mcu.example": TAGANROG}
PLAN = "insert into ops.delivery"
BEGIN = "update ops.delivery set state = 'sending'"
SENT = "update ops.delivery set state = sent"
TEXT = "smtp: a piece of text"


class House:
    """A warehouse with three subscribers and a mail server."""

    def __init__(self, dsn: str, warehouse: Connection, server: RealServer) -> None:
        self.warehouse = warehouse
        self.server = server
        self._dsn = dsn

    def run(self, at: int | None = None, defect: Callable[[], None] | None = None) -> Ended:
        ended = forked_delivery.run(self._dsn, self.server.port, WEEK, at, defect)
        self.server.wait_until_left()
        assert ended.error == ""
        return ended

    def killed_and_run_again(self, at: int, defect: Callable[[], None] | None = None) -> Ended:
        """What the second run ended with; everything is as new before the first."""
        self.reset()
        killed = self.run(at, defect)
        assert killed.was_killed
        assert len(killed.steps) == at
        return self.run(defect=defect)

    def reset(self) -> None:
        self.server.accepted.clear()
        shutil.rmtree(kept_editions().root, ignore_errors=True)
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute("truncate ops.delivery")


@pytest.fixture
def house(bi: Connection, warehouse_dsn: str) -> Iterator[House]:
    subscribe(bi, *((recipient, "weekly", scope) for recipient, scope in RECIPIENTS.items()))
    with real_smtp.running() as server:
        yield House(warehouse_dsn, bi, server)


def check(house: House, ended: Ended, may_have_gone: bool) -> None:
    """AssertionError unless the second run ended well; `may_have_gone`: the kill came while a text was on its way."""
    received = Counter(house.server.recipients())
    assert all(received[recipient] <= 1 for recipient in RECIPIENTS), f"two mails: {received}"
    found = states(house.warehouse)
    assert found.keys() == RECIPIENTS.keys()
    assert set(found.values()) <= {"sent", "unknown"}, f"lost: {found}"
    assert all(received[recipient] == 1 for recipient, state in found.items() if state == "sent"), "not received"
    unknown = [recipient for recipient, state in found.items() if state == "unknown"]
    assert ended.unknown == unknown, "not named"
    assert may_have_gone or not unknown, f"unknown where no text had begun: {unknown}"
    assert len(unknown) == may_have_gone, "a text that may have gone is not noted"


def position(steps: list[str], step: str, nth: int = 1) -> int:
    """Of the nth step whose name begins like this."""
    return [i for i, name in enumerate(steps) if name.startswith(step)][nth - 1]


def is_text_on_its_way(steps: list[str]) -> bool:
    """Whether of these steps more notes of a beginning than of an end were committed."""
    begun = sum(step.startswith(f"commit: {BEGIN}") for step in steps)
    return begun > sum(step.startswith(f"commit: {SENT}") for step in steps)


def kill_points(steps: list[str]) -> list[int]:
    """From the plan to the beginning of the third mail, without the first; of the second's text, three pieces."""
    begun, sent = position(steps, f"commit: {BEGIN}", 2), position(steps, SENT, 2)
    text = [i for i in range(begun, sent) if steps[i] == TEXT]
    assert len(text) > 5
    before = range(position(steps, PLAN), position(steps, "smtp: ehlo") + 1)
    second_mail = range(position(steps, "smtp: noop"), position(steps, "smtp: noop", 2) + 1)
    skipped = {*text} - {text[0], text[len(text) // 2], text[-1]}
    return [i for i in (*before, *second_mail) if i not in skipped]


def test_killed_at_every_step(house: House) -> None:
    whole = house.run().steps
    check(house, house.run(), may_have_gone=False)
    points = kill_points(whole)
    for point in points:
        ended = house.killed_and_run_again(point)
        try:
            check(house, ended, may_have_gone=is_text_on_its_way(whole[:point]))
        except AssertionError as error:
            raise AssertionError(f"killed before step {point}, {whole[point]}: {error}") from error
    print(f"{len(points)} kills of {len(whole)} steps")
    for step in (PLAN, f"commit: {PLAN}", "smtp: connect", "smtp: mail", "smtp: rcpt", BEGIN, TEXT, SENT):
        assert any(whole[point].startswith(step) for point in points), step


@pytest.mark.parametrize(
    ("defect", "step", "seen_as"),
    [
        (ledger_is_written_after_the_send, SENT, "two mails"),
        (killed_mails_are_planned_again, SENT, "two mails"),
        (mail_is_sent_before_it_is_taken, TEXT, "not received"),
        (mail_is_sending_from_the_start, "smtp: rcpt", "unknown where no text had begun"),
    ],
)
def test_a_planted_defect_is_found(house: House, defect: Callable[[], None], step: str, seen_as: str) -> None:
    whole = house.run(defect=defect).steps
    ended = house.killed_and_run_again(position(whole, step), defect)
    with pytest.raises(AssertionError, match=seen_as):
        check(house, ended, may_have_gone=step in (SENT, TEXT))
