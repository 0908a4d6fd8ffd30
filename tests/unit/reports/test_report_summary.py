from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from mcu.reports import edition
from mcu.reports.document import line_text
from mcu.reports.format import NBSP
from mcu.reports.query import ALL, OBLAST
from mcu.reports.summary import summary
from tests.unit.reports import made_up


def sentences(data: Any, scope: str = OBLAST) -> list[str]:
    lines = summary(edition.make(data, scope))
    return [line_text(line, ZoneInfo("Europe/Moscow")).replace(NBSP, " ") for line in lines]


def test_week_of_the_oblast() -> None:
    assert sentences(made_up.weekly()) == [
        "За неделю поступило 1 234 сообщения. К прошлой неделе: +120 (+11 %).",
        "Первый ответ дан на 1 100; доля в срок — 93,4 % (жёлтая зона).",
        "Сильнее всего выросла тема «Прорыв водопровода»: 41 за неделю (+38); больше всего — Таганрог (+35).",
        "На конец недели просрочено без ответа: 87 (неделей раньше — 60).",
    ]


def test_municipality_is_not_told_where_its_own_topic_rose() -> None:
    assert sentences(made_up.weekly(), made_up.TAGANROG)[2] == (
        "Сильнее всего выросла тема «Прорыв водопровода»: 38 за неделю (+35)."
    )


def test_week_without_a_message_and_without_a_week_before() -> None:
    data = made_up.weekly()
    quiet = made_up.weekly(topics={made_up.AKSAY: []}, weeks=data.weeks)
    assert sentences(quiet, made_up.AKSAY) == [
        "За неделю сообщений не поступило.",
        "Первый ответ дан на 0.",
        "На конец недели просрочено без ответа: 0.",
    ]


def test_percent_is_told_only_where_the_mart_has_it() -> None:
    row = made_up.week_row(received=15, received_prev=12, received_delta=3, received_delta_pct=None)
    assert (
        sentences(
            made_up.weekly(
                weeks={(OBLAST, ALL): [row], (OBLAST, "pos"): [row]}
                | {key: rows for key, rows in made_up.weekly().weeks.items() if key[0] != OBLAST}
            )
        )[0]
        == "За неделю поступило 15 сообщений. К прошлой неделе: +3."
    )


def test_small_rise_is_no_news() -> None:
    topics = {OBLAST: [made_up.topic_row(OBLAST, "Ямы", received=7)]}
    assert not any("выросла" in sentence for sentence in sentences(made_up.weekly(topics=topics)))


def test_day() -> None:
    values: dict[str, Any] = {
        "received": 201,
        "received_prev_day": 190,
        "received_prev_week": 1,
        "answered": 5,
        "answered_on_time": 4,
    }
    told = sentences(made_up.daily(**values, overdue_at_end=9, overdue_at_end_prev_day=11))
    assert told == [
        "За день поступило 201 сообщение. Днём раньше — 190, в тот же день прошлой недели — 1.",
        "Первый ответ дан на 5, из них в срок — 4.",
        "Необычно много — Таганрог: ЖКХ, 41 сообщение за два дня, обычно 3,2.",
        "На конец дня просрочено без ответа: 9 (днём раньше — 11).",
    ]
