"""The few plain sentences on top of a report, made from the numbers by rules."""

from __future__ import annotations

from markupsafe import Markup

from mcu.reports.cells import cell
from mcu.reports.edition import DailyEdition, Edition, Riser, WeeklyEdition
from mcu.reports.format import one_line, plural, short_municipality
from mcu.reports.query import Row

TOLD_RISE = 5  # a topic is named in the summary from this many more messages on

ZONE_NAMES = {"green": "зелёная зона", "yellow": "жёлтая зона", "red": "красная зона", "few": "мало данных"}


def summary(edition: Edition) -> list[Markup]:
    """Two to four sentences, numbers as cells."""
    return _weekly(edition) if isinstance(edition, WeeklyEdition) else _daily(edition)


def _weekly(edition: WeeklyEdition) -> list[Markup]:
    sentences = [_received_in_week(edition.now), _answered_in_week(edition.now)]
    if edition.risers and edition.risers[0].topic["received_delta"] >= TOLD_RISE:
        sentences.append(_rise(edition.risers[0], edition))
    return [*sentences, _overdue(edition.now, edition.before, "overdue_at_end", "недели", "неделей раньше")]


def _daily(edition: DailyEdition) -> list[Markup]:
    now = edition.now
    received = _received(now, "За день")
    if now["received_prev_day"] is not None and now["received_prev_week"] is not None:
        received += Markup(" Днём раньше — {}, в тот же день прошлой недели — {}.").format(
            cell(now, "received_prev_day"), cell(now, "received_prev_week")
        )
    answered = Markup("Первый ответ дан на {}, из них в срок — {}.").format(
        cell(now, "answered"), cell(now, "answered_on_time")
    )
    before = now if now["overdue_at_end_prev_day"] is not None else None
    overdue = _overdue(now, before, "overdue_at_end_prev_day", "дня", "днём раньше")
    return [received, answered, overdue] if now["answered"] else [received, overdue]


def _received(now: Row, when: str) -> Markup:
    count = now["received"]
    if count == 0:
        return Markup("{} сообщений не поступило.").format(when)
    words = plural(count, "сообщение", "сообщения", "сообщений")
    return Markup("{} поступило {} {}.").format(when, cell(now, "received"), words)


def _received_in_week(now: Row) -> Markup:
    sentence = _received(now, "За неделю")
    if now["received_delta"] is None:
        return sentence
    if now["received_delta_pct"] is None:
        return sentence + Markup(" К прошлой неделе: {}.").format(cell(now, "received_delta"))
    return sentence + Markup(" К прошлой неделе: {} ({}).").format(
        cell(now, "received_delta"), cell(now, "received_delta_pct")
    )


def _answered_in_week(now: Row) -> Markup:
    answered = Markup("Первый ответ дан на {}").format(cell(now, "answered"))
    if now["on_time_share"] is None:
        return answered + "."
    share = Markup("{}; доля в срок — {}").format(answered, cell(now, "on_time_share"))
    return share + (f" ({ZONE_NAMES[now['zone']]})." if now["zone"] else ".")


def _rise(riser: Riser, edition: WeeklyEdition) -> Markup:
    sentence = Markup("Сильнее всего выросла тема «{}»: {} за неделю ({})").format(
        one_line(riser.topic.key[3]), cell(riser.topic, "received"), cell(riser.topic, "received_delta")
    )
    if riser.place is None:
        return sentence + "."
    return sentence + Markup("; больше всего — {} ({}).").format(
        short_municipality(edition.common.name(riser.place.key[1])), cell(riser.place, "received_delta")
    )


def _overdue(now: Row, before: Row | None, column_before: str, of_what: str, when: str) -> Markup:
    sentence = Markup("На конец {} просрочено без ответа: {}").format(of_what, cell(now, "overdue_at_end"))
    return sentence + (Markup(" ({} — {}).").format(when, cell(before, column_before)) if before else ".")
