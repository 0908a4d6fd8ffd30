"""The few plain sentences on top of a report, made from the numbers by rules."""

from __future__ import annotations

from mcu.reports.document import Line, Number
from mcu.reports.edition import DailyEdition, Edition, Riser, WeeklyEdition
from mcu.reports.format import plural, short_municipality
from mcu.reports.query import Row
from mcu.reports.signals import hotspot

TOLD_RISE = 5  # a topic is named in the summary from this many more messages on

ZONE_NAMES = {"green": "зелёная зона", "yellow": "жёлтая зона", "red": "красная зона", "few": "мало данных"}


def summary(edition: Edition) -> list[Line]:
    """Two to five sentences: what came, what was answered, what is unusual, what is overdue."""
    return _weekly(edition) if isinstance(edition, WeeklyEdition) else _daily(edition)


def _weekly(edition: WeeklyEdition) -> list[Line]:
    now = edition.now
    sentences = [_received_in_week(now), _answered_in_week(now), *_unusual(edition)]
    if edition.risers and edition.risers[0].topic["received_delta"] >= TOLD_RISE:
        sentences.append(_rise(edition.risers[0], edition))
    return [*sentences, _overdue(now, edition.before, "overdue_at_end", "недели", "неделей раньше")]


def _daily(edition: DailyEdition) -> list[Line]:
    now = edition.now
    received = _received(now, "За день")
    if now["received_prev_day"] is not None and now["received_prev_week"] is not None:
        before, week = Number(now, "received_prev_day"), Number(now, "received_prev_week")
        received += (" Днём раньше — ", before, ", в тот же день прошлой недели — ", week, ".")
    answered: list[Line] = []
    if now["answered"]:
        on_time = Number(now, "answered_on_time")
        answered = [("Первый ответ дан на ", Number(now, "answered"), ", из них в срок — ", on_time, ".")]
    before_row = now if now["overdue_at_end_prev_day"] is not None else None
    overdue = _overdue(now, before_row, "overdue_at_end_prev_day", "дня", "днём раньше")
    return [received, *answered, *_unusual(edition), overdue]


def _received(now: Row, when: str) -> Line:
    count = now["received"]
    if count == 0:
        return (f"{when} сообщений не поступило.",)
    return (f"{when} поступило ", Number(now, "received"), f" {plural(count, 'сообщение', 'сообщения', 'сообщений')}.")


def _received_in_week(now: Row) -> Line:
    sentence = _received(now, "За неделю")
    if now["received_delta"] is None:
        return sentence
    if now["received_delta_pct"] is None:
        return (*sentence, " К прошлой неделе: ", Number(now, "received_delta"), ".")
    percent = Number(now, "received_delta_pct")
    return (*sentence, " К прошлой неделе: ", Number(now, "received_delta"), " (", percent, ").")


def _answered_in_week(now: Row) -> Line:
    answered: Line = ("Первый ответ дан на ", Number(now, "answered"))
    if now["on_time_share"] is None:
        return (*answered, ".")
    zone = f" ({ZONE_NAMES[now['zone']]})." if now["zone"] else "."
    return (*answered, "; доля в срок — ", Number(now, "on_time_share"), zone)


def _unusual(edition: Edition) -> list[Line]:
    """The least probable hot spot, if there is one."""
    return [("Необычно много — ", *hotspot(edition.hotspots[0], edition))] if edition.hotspots else []


def _rise(riser: Riser, edition: WeeklyEdition) -> Line:
    topic = riser.topic
    grown = Number(topic, "received_delta")
    sentence: Line = (
        f"Сильнее всего выросла тема «{topic.key[3]}»: ", Number(topic, "received"), " за неделю (", grown, ")",
    )  # fmt: skip
    if riser.place is None:
        return (*sentence, ".")
    name = short_municipality(edition.common.name(riser.place.key[1]))
    return (*sentence, f"; больше всего — {name} (", Number(riser.place, "received_delta"), ").")


def _overdue(now: Row, before: Row | None, column_before: str, of_what: str, when: str) -> Line:
    sentence: Line = (f"На конец {of_what} просрочено без ответа: ", Number(now, "overdue_at_end"))
    return (*sentence, f" ({when} — ", Number(before, column_before), ").") if before else (*sentence, ".")
