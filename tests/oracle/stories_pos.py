"""ПОС messages: ordinary ones at random and one for each trap of the source."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from itertools import count

from tests.oracle import layouts
from tests.oracle import places as p
from tests.oracle.stories import Cells, Changes, Era, Story, Told, Value

RECEIVED, PLANNED, COMPLETED = (
    "Дата поступления",
    "Дата планируемого завершения работ",
    "Дата фактического завершения работ",
)
INTO, NOW_IN = "Организация, в которую поступило сообщение", "Организация, в которой находится сообщение"
STAGE, RATING, AGAIN, FAST = "Стадия", "Оценка ответа заявителем", "Повторное рассмотрение", "Фаст-трек"
CATEGORY, SUBCATEGORY = "Категория", "Подкатегория"
DONE = "Завершено"

ROSTOV = "Администрация города Ростова-на-Дону"
AZOV_DISTRICT = "Администрация Азовского района"
HEALTH = "Министерство здравоохранения Ростовской области"
SHOWN: dict[Value, str] = {
    "Администрация Весёловского района": "Администрация Веселовского района",
    "Администрация  Аксайского  района": "Администрация Аксайского района",
}
"""Organisations that the marts spell otherwise."""
TOPICS = (
    ("Дороги", "Ремонт дороги"),
    ("Дороги", "Ямы и выбоины на дороге"),
    ("ЖКХ", "Отсутствие холодной воды"),
    ("Мусор/Свалки/ТКО", "Уборка/Вывоз мусора"),
    ("Медицина", "Лекарственное обеспечение"),
)
END = timedelta(hours=23, minutes=59, seconds=59)


def written(day: datetime | date) -> str:
    """A day as the system writes it."""
    return day.strftime("%d.%m.%Y")


def cells(key: Value, received: datetime, planned: Value, **over: Value) -> Cells:
    """All 25 columns of a new message; `over`: into, now_in, category, subcategory, fast."""
    row: Cells = dict.fromkeys(layouts.POS, "-")
    row |= {"Номер": key, RECEIVED: written(received), PLANNED: planned, STAGE: "Исполнение", AGAIN: "-", RATING: "-"}
    row |= {"ФИО исполнителя": "Тестов  Тест Тестович", "Источник": "MED_DOC_EPGU", "ФЗ": "Обычное сообщение"}
    row |= {"Заявитель выбрал подачу по 59-ФЗ": "Нет", FAST: over.get("fast", "Нет")}
    row[INTO], row[NOW_IN] = over.get("into", ROSTOV), over.get("now_in", AZOV_DISTRICT)
    row[CATEGORY], row[SUBCATEGORY] = over.get("category", "Дороги"), over.get("subcategory", "Ремонт дороги")
    return row


def complete(day: datetime, rating: Value = "-") -> tuple[datetime, Cells]:
    """The works are completed; shown from the noon of the day."""
    change = {COMPLETED: written(day), STAGE: DONE, "Статус": "Отправлен ответ заявителю", RATING: rating}
    return day + timedelta(hours=12), change | {"Тип решения": "Решено"}


def pos_stories(era: Era, rng: random.Random, ordinary: int) -> list[Story]:
    """All messages of the six weeks; the first one is of Tuesday of the first week."""
    keys = (str(number) for number in count(327_441_801, rng.randint(1, 9)))
    traps = [
        *_deadline_traps(era),
        *_completion_traps(era),
        *_organisation_traps(era),
        *_field_traps(era),
        *_gate_traps(era),
        *_history_traps(era),
    ]
    for story in traps:
        if not story.key:
            story.key = next(keys)
            story.cells["Номер"] = story.key
    return traps + [_ordinary(era, rng, next(keys)) for _ in range(ordinary)]


def _trap(
    name: str,
    received: datetime,
    planned: Value,
    *changes: tuple[datetime, Cells],
    expected: dict[str, object] | None,
    **over: Value,
) -> Story:
    return Story(name, "", received, cells(None, received, planned, **over), list(changes), expected)


def _deadline_traps(era: Era) -> list[Story]:
    """The planned day to the day, absent and moved."""
    received, planned = era.at(3, 3), era.at(4, 1)
    due: dict[str, object] = {"due_at": planned + END}
    day = timedelta(days=1)

    def by_rule(name: str, fast: str, days: int) -> Story:
        early = era.at(0, 2)
        due_day = early + timedelta(days=days)
        expected = {"due_at": due_day + END, "answered_at": due_day, "is_answered_on_time": True}
        story = _trap(name, early, "-", complete(due_day), expected=expected, fast=fast)
        story.stays = timedelta(days=60)
        return story

    return [
        _trap(
            "completed on the planned day",
            received,
            written(planned),
            complete(planned),
            expected={**due, "is_answered_on_time": True},
        ),
        _trap(
            "completed a day late",
            received,
            written(planned),
            complete(planned + day),
            expected={**due, "answered_at": planned + day, "is_answered_on_time": False},
        ),
        _trap(
            "planned for a Sunday, never done", received, written(era.at(4, 6)), expected={"due_at": era.at(4, 6) + END}
        ),
        _trap(
            "planned for a Monday, never done", received, written(era.at(4, 0)), expected={"due_at": era.at(4, 0) + END}
        ),
        _trap(
            "planned for a Sunday, done on Monday",
            received,
            written(era.at(3, 6)),
            complete(era.at(4, 0)),
            expected={"is_answered_on_time": False},
        ),
        by_rule("fast track without a planned day", "Да", 10),
        by_rule("thirty days without a planned day", "Нет", 30),
        _trap("planned long ago by a slip", received, "05.11.2002", expected={"due_at": datetime(2002, 11, 5) + END}),
        _trap("planned far ahead by a slip", received, "05.11.2062", expected={"due_at": datetime(2062, 11, 5) + END}),
        _trap("no planned day, open", era.at(0, 3), None, expected={"due_at": era.at(0, 3) + timedelta(days=30) + END}),
        _trap(
            "deadline moved",
            received,
            written(planned),
            (era.at(5, 1), {PLANNED: written(era.at(5, 4))}),
            expected={"due_at": era.at(5, 4) + END},
        ),
        _trap(
            "deadline moved behind the completion",
            received,
            written(planned),
            complete(planned + day),
            (era.at(5, 1), {PLANNED: written(planned + 2 * day)}),
            expected={"due_at": planned + 2 * day + END, "is_answered_on_time": True},
        ),
        _trap(
            "deadline taken away",
            received,
            written(planned),
            (era.at(5, 1), {PLANNED: "-"}),
            expected={"due_at": received + timedelta(days=30) + END},
        ),
        _trap(
            "received and completed in one day",
            received,
            written(planned),
            complete(received),
            expected={"created_at": received, "answered_at": received},
        ),
        _trap("received on a Sunday", era.at(3, 6), written(era.at(5, 0)), expected={"created_at": era.at(3, 6)}),
        _trap("received on a Monday", era.at(4, 0), written(era.at(5, 0)), expected={"created_at": era.at(4, 0)}),
        _trap(
            "planned before it was received",
            received,
            written(received - day),
            expected={"due_at": received - day + END},
        ),
    ]


def _completion_traps(era: Era) -> list[Story]:
    """Completion dates that newer versions move or blank, «Завершено» without one."""
    received, planned = era.at(3, 1), written(era.at(5, 0))
    first, second = era.at(3, 4), era.at(5, 1)
    blank: Cells = {COMPLETED: "-", STAGE: "Исполнение", AGAIN: "Да"}
    again = {"answered_at": first, "is_answered_on_time": True, "is_reconsidered": True}
    done_without: Cells = {STAGE: DONE}
    reopened: Cells = {STAGE: "Исполнение"}
    shown_first, shown_second = era.at(4, 0, "08:00:00"), era.at(5, 0, "17:45:00")
    return [
        _trap(
            "completion blanked",
            received,
            planned,
            complete(first),
            (era.at(4, 3), blank),
            expected={**again, "closed_at": None},
        ),
        _trap(
            "completion blanked and set again",
            received,
            planned,
            complete(first, "2"),
            (era.at(4, 3), blank),
            complete(second, "5"),
            expected={**again, "rating": 5},
        ),
        _trap(
            "completion moved later",
            received,
            planned,
            complete(first),
            (era.at(4, 3), {COMPLETED: written(second)}),
            expected={"answered_at": first},
        ),
        _trap(
            "completion moved earlier",
            received,
            planned,
            complete(first),
            (era.at(4, 3), {COMPLETED: written(era.at(3, 2))}),
            expected={"answered_at": era.at(3, 2)},
        ),
        _trap(
            "«Завершено» without a completion date",
            received,
            planned,
            (first, done_without),
            expected={"answered_at": None, "closed_at": shown_first, "is_answered_on_time": None},
        ),
        _trap(
            "«Завершено» without a completion date, then with one",
            received,
            planned,
            (first, done_without),
            complete(era.at(4, 5)),
            expected={"answered_at": era.at(4, 5), "closed_at": None},
        ),
        _trap(
            "«Завершено», then open again",
            received,
            planned,
            (first, done_without),
            (era.at(4, 3), reopened),
            expected={"closed_at": None},
        ),
        _trap(
            "«Завершено», open, «Завершено»",
            received,
            planned,
            (first, done_without),
            (era.at(4, 3), reopened),
            (era.at(5, 1), done_without),
            expected={"closed_at": shown_first},
        ),
        _trap(
            "«Завершено» after the deadline without a date",
            received,
            written(era.at(4, 2)),
            (era.at(4, 4), done_without),
            expected={"closed_at": shown_second, "answered_at": None},
        ),
        _trap(
            "completion blanked, «Завершено» stays",
            received,
            planned,
            complete(first),
            (era.at(4, 3), {COMPLETED: "-"}),
            expected={"answered_at": first, "closed_at": None},
        ),
        _trap(
            "left the window unanswered",
            era.at(0, 1),
            written(era.at(1, 4)),
            expected={"answered_at": None, "closed_at": None},
        ),
        _trap(
            "receipt corrected",
            received,
            planned,
            (era.at(4, 3), {RECEIVED: written(era.at(2, 6))}),
            expected={"created_at": received},
        ),
    ]


def _organisation_traps(era: Era) -> list[Story]:
    """Bodies whose names look alike, bodies of the oblast, unknown and absent ones."""
    received, planned = era.at(3, 4), written(era.at(5, 4))

    def placed(name: str, now_in: Value, into: Value, oktmo: str, mapped: bool) -> Story:
        expected: dict[str, object] = {"oktmo": oktmo, "is_municipality_mapped": mapped}
        authority = next((o for o in (now_in, into) if o not in ("-", None)), "(не указано)")
        expected["authority"] = SHOWN.get(authority, authority)
        return _trap(name, received, planned, complete(era.at(4, 2)), expected=expected, now_in=now_in, into=into)

    unmapped = p.UNMAPPED_ORGANISATIONS[0]
    return [
        *(placed(f"organisation {name}", name, HEALTH, oktmo, True) for name, oktmo in p.ORGANISATIONS.items()),
        *(placed(f"organisation {name}", name, name, p.OBLAST, False) for name in p.UNMAPPED_ORGANISATIONS),
        placed("current organisation absent", "-", AZOV_DISTRICT, p.AZOV_DISTRICT, True),
        placed("current organisation unmapped", unmapped, AZOV_DISTRICT, p.AZOV_DISTRICT, True),
        placed("both organisations absent", None, "-", p.OBLAST, False),
        placed("a ministry now, a district first", HEALTH, AZOV_DISTRICT, p.OBLAST, True),
        _trap(
            "organisation changed",
            received,
            planned,
            (era.at(5, 1), {NOW_IN: "Администрация Волгодонского района"}),
            expected={"oktmo": p.VOLGODONSK_DISTRICT, "authority": "Администрация Волгодонского района"},
            now_in="Администрация города Волгодонска",
        ),
    ]


def _field_traps(era: Era) -> list[Story]:
    """Marks, topics and shapes of cells."""
    received, planned = era.at(3, 2), written(era.at(5, 4))
    completed = era.at(4, 1)
    marks: list[tuple[Value, int | None, bool | None]] = [
        ("5", 5, True),
        (5, 5, True),
        ("4", 4, True),
        ("3", 3, False),
        (1, 1, False),
        ("0", None, None),
        (6, None, None),
        ("отлично", None, None),
        ("-", None, None),
    ]
    again: list[tuple[Value, bool]] = [
        ("Да", True),
        ("Нет", False),
        ("-", False),
        (None, False),
        ("На рассмотрении", True),
    ]

    def reconsidered(value: Value, known: bool) -> Story:
        story = _trap(
            f"reconsidered {value!r}", received, planned, complete(completed), expected={"is_reconsidered": known}
        )
        story.cells[AGAIN] = value
        return story

    def dated(name: str, value: Value) -> Story:
        story = _trap(f"receipt {name}", received, planned, expected={"created_at": received})
        story.cells[RECEIVED] = value
        return story

    return [
        *(
            _trap(
                f"mark {mark!r}",
                received,
                planned,
                complete(completed, mark),
                expected={"rating": known, "is_satisfied": satisfied},
            )
            for mark, known, satisfied in marks
        ),
        *(reconsidered(value, known) for value, known in again),
        dated("as an Excel date", received.date()),
        dated("as an Excel date with a time", received + timedelta(hours=15.2)),
        dated("as text with a time", received.strftime("%d.%m.%Y 23:59:59")),
        dated("as ISO text", received.date().isoformat()),
        dated("with an apostrophe", f"'{written(received)}"),
        _trap(
            "a mark days later",
            received,
            planned,
            complete(completed),
            (era.at(5, 1), {RATING: "4"}),
            expected={"rating": 4},
        ),
        _trap(
            "starred subcategory", received, planned, expected={"topic": "Ремонт дороги"}, subcategory="★ Ремонт дороги"
        ),
        _trap("fast track as a boolean", received, "-", expected={"is_fast_track": True}, fast=True),
        _trap("no category", received, planned, expected={"topic_group": "(не указано)"}, category="-"),
        _trap("no subcategory", received, planned, expected={"topic": "(не указано)"}, subcategory=None),
        _trap(
            "subcategory corrected",
            received,
            planned,
            (era.at(5, 1), {SUBCATEGORY: "Пробки"}),
            expected={"topic": "Пробки"},
        ),
        Story(
            "a number as key",
            "6000001",
            received,
            cells(6_000_001, received, planned),
            expected={"source_key": "6000001"},
        ),
    ]


def _gate_traps(era: Era) -> list[Story]:
    """Rows that must be quarantined and rows that must not."""
    received, planned = era.at(3, 2), written(era.at(5, 4))
    made = era.at(5, 0, "17:45:00")  # an export of exactly this moment exists

    def faulty(name: str, **wrong: Value) -> Story:
        story = _trap(name, received, planned, expected=None)
        story.cells |= wrong
        return story

    def twice(name: str, expected: dict[str, object] | None, difference: Cells) -> Story:
        story = _trap(name, received, planned, expected=expected)
        story.copies = [difference, {}]
        return story

    no_key = Story("no key", "-", received, cells(" - ", received, planned), expected=None)
    return [
        no_key,
        faulty("unreadable receipt", **{RECEIVED: "31.02.2026"}),
        faulty("receipt absent", **{RECEIVED: None}),
        faulty("unreadable planned day", **{PLANNED: "скоро"}),
        faulty("unreadable completion", **{COMPLETED: "00.00.0000"}),
        faulty("completed before it was received", **{COMPLETED: written(received - timedelta(days=1))}),
        faulty("received years after the export", **{RECEIVED: written(received + timedelta(days=400))}),
        twice("thrice with the same content", {"created_at": received}, {"Факт": ""}),
        twice("thrice with different content", None, {NOW_IN: ROSTOV}),
        Story(
            "received on the day of the export",
            "",
            made,
            cells(None, era.at(5, 0), planned),
            expected={"created_at": era.at(5, 0)},
        ),
        Story(
            "received the day after the export, right in the next one",
            "",
            made,
            cells(None, era.at(5, 1), planned),
            expected={"created_at": era.at(5, 1)},
        ),
        _trap(
            "newest version quarantined",
            received,
            planned,
            complete(era.at(4, 1)),
            (era.at(5, 1), {NOW_IN: ROSTOV, PLANNED: "никогда"}),
            expected={"oktmo": p.AZOV_DISTRICT, "answered_at": era.at(4, 1)},
        ),
    ]


def _history_traps(era: Era) -> list[Story]:
    """Finished, opened and finished again; exports are of Mondays of weeks 4 and 5 and of Saturday of week 5."""
    received, planned = era.at(3, 4), written(era.at(5, 4))
    first, second = era.at(3, 5), era.at(5, 1)
    monday, saturday = era.at(5, 0, "17:45:00"), era.at(5, 5, "19:30:00")
    told: Told = ("created", received, None, None)
    again = _trap(
        "finished, reconsidered, finished again",
        received,
        planned,
        complete(first, "2"),
        (era.at(4, 2), {COMPLETED: "-", STAGE: "Исполнение", AGAIN: "Да", RATING: "-"}),
        complete(second, "5"),
        expected={"answered_at": first, "rating": 5},
    )
    again.events = [
        told,
        ("first_answer", first, None, None),
        ("closed", first, None, DONE),
        ("rated", era.at(4, 0, "08:00:00"), None, "2"),
        ("reopened", monday, DONE, None),
        ("assigned", monday, DONE, "Исполнение"),
        ("reconsidered", monday, None, "Да"),
        ("rated", monday, "2", None),
        ("closed", second, None, DONE),
        ("rated", saturday, None, "5"),
    ]
    undated = _trap(
        "moderated, assigned, finished without a date",
        received,
        planned,
        (era.at(4, 1), {STAGE: "Исполнение"}),
        (era.at(5, 1), {STAGE: DONE, AGAIN: "Да"}),
        expected={"closed_at": saturday},
    )
    undated.cells[STAGE] = "Модерация"
    undated.events = [
        told,
        ("assigned", monday, "Модерация", "Исполнение"),
        ("closed", saturday, None, DONE),
        ("reconsidered", saturday, None, "Да"),
    ]
    return [again, undated]


def _ordinary(era: Era, rng: random.Random, key: str) -> Story:
    received = era.at(0, 1) + timedelta(days=rng.randrange(39))
    planned = received + timedelta(days=rng.choice((3, 5, 10, 10, 30)))
    category, subcategory = rng.choice([TOPICS[0], TOPICS[0], *TOPICS])
    into, now_in = (rng.choice([*p.ORGANISATIONS, ROSTOV, ROSTOV, *p.UNMAPPED_ORGANISATIONS, "-"]) for _ in range(2))
    story_cells = cells(
        key,
        received,
        written(planned) if rng.random() < 0.9 else "-",
        into=into,
        now_in=now_in,
        category=category,
        subcategory=subcategory,
        fast=rng.choice(("Да", "Нет", "Нет")),
    )
    story_cells["Заявитель выбрал подачу по 59-ФЗ"] = rng.choice(("Да", "Нет", "Нет", "-"))
    story_cells[AGAIN] = rng.choice(("-", "-", "-", "Нет", "Да"))
    changes: Changes = []
    if rng.random() < 0.75:
        completed = received + timedelta(days=rng.randrange(14))
        changes.append(complete(completed, rng.choice(("-", "-", "5", "4", 3, "1", "9"))))
        if rng.random() < 0.2:
            changes.append((completed + timedelta(days=5), {COMPLETED: "-", STAGE: "Исполнение"}))
    elif rng.random() < 0.4:
        changes.append((received + timedelta(days=rng.randrange(20)), {STAGE: DONE}))
    if rng.random() < 0.2:
        later: Cells = {PLANNED: written(planned + timedelta(days=7))}
        moved: Cells = {NOW_IN: rng.choice(list(p.ORGANISATIONS))}
        renamed: Cells = {CATEGORY: "ЖКХ"}
        changes.append((received + timedelta(days=rng.uniform(2, 20)), rng.choice((later, moved, renamed))))
    return Story("", key, received, story_cells, changes)
