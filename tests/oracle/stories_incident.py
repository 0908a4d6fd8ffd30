"""Incidents: ordinary ones at random and one for each trap of the source."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count

from tests.oracle import layouts
from tests.oracle import places as p
from tests.oracle.stories import Cells, Changes, Era, Formatted, Story, Told, Value
from tests.oracle.working_time import due_moment, whole_minutes, working_time

ANSWERED = "Общее время первого ответа"
WORKING = "Время с даты создания инцидента до времени первого ответа, рабочее время"
CREATED = "Дата создания"
CLOSED = "Дата окончания"
STEP = "Время попадания на шаг оценка удовлетворенности"
REASON = "Причина закрытия"
ASSIGNED = "Время назначения последнего исполнителя"
GROUP, TOPIC, PLACE, AUTHORITY = "Группа тем", "Тема", "Муниципалитет", "Отдел"

PLACES = {
    "Ростов-на-Дону г.о.": p.ROSTOV,
    "Азов г.о.": p.AZOV,
    "Азовский район": p.AZOV_DISTRICT,
    "Волгодонск г.о.": p.VOLGODONSK,
    "Волгодонской район": p.VOLGODONSK_DISTRICT,
    "Каменск-Шахтинский г.о.": p.KAMENSK_SHAKHTINSKY,
    "Каменский район": p.KAMENSK_DISTRICT,
    "Весёловский район": p.VESELOVSKY,
    "Веселовский район": p.VESELOVSKY,
    "Донецк г.о.": p.DONETSK,
    "Усть-Донецкий район": p.UST_DONETSK,
    "Октябрьский район": p.OKTYABRSKY,
    "Советский район": p.SOVETSKY,
    "Шахты г.о.": p.SHAKHTY,
    "Новошахтинск г.о.": p.NOVOSHAKHTINSK,
    "Ростовская область, другое": p.OBLAST,
}
EDGES = {
    "Батайск г.о.": (19, 1, 3),
    "Новочеркасск г.о.": (18, 1, 3),
    "Гуково г.о.": (4, 1, 0),
    "Зверево г.о.": (4, 0, 0),
    "Таганрог г.о.": (5, 0, 0),
}
"""Messages of a municipality that has no others: answered in time and late in week 4, received in week 5."""
UNKNOWN_PLACES: tuple[Value, ...] = ("Неведомый район", "-", "'", None)
TOPICS = (
    ("ЖКХ", "Отсутствие холодной воды"),
    ("ЖКХ", "Лифт неисправен или отключен"),
    ("Дороги", "Ремонт дороги"),
    ("Благоустройство", "Ямы во дворах"),
    ("Мусор/Свалки/ТКО", "Уборка/Вывоз мусора"),
    ("Здравоохранение/Медицина", "Содержание больниц"),
)
AUTHORITIES = ("Администрация г. Азова", "Минздрав РО", "Администрация г. Ростова-на-Дону", "Минтранс РО", "-")
AUTHORS = ("-", "https://vk.com/id7", "http://m.vk.com/ID7/", "https://ok.ru/profile/8?st.cmd=x", "https://t.me/Soseд")
POSTS = (
    "https://vk.com/wall-1_2",
    "https://ok.ru/group/3/topic/4",
    "https://t.me/azov/5",
    "http://telegram.me/azov/6",
    "https://m.vk.com/wall-1_7",
    "https://forum.example.org/8",
    "-",
)
REASONS: tuple[Value, ...] = (
    "Нет ответа от автора",
    "Автор доволен",
    "Дальнейший диалог нецелесообразен",
    "5",
    "4",
    "2",
    3,
    "-",
)
HOURS = "[hh]:mm:ss"


def hours(duration: timedelta) -> Formatted:
    """A duration as Excel shows it, `[hh]:mm:ss`."""
    return Formatted(duration / timedelta(days=1), HOURS)


def minutes(number: float) -> Formatted:
    """A duration of so many minutes."""
    return hours(timedelta(minutes=number))


def stamp(moment: datetime) -> str:
    """A moment as the system writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def cells(key: Value, created: Value, **over: Value) -> Cells:
    """All 47 columns of a new incident; `over`: place, group, topic, authority."""
    row: Cells = dict.fromkeys(layouts.INCIDENT, "-")
    row |= {
        "ID": key,
        "Номер инцидента": 17,
        "Регион": "Ростовская область",
        CREATED: created,
        REASON: "-",
        CLOSED: None,
    }
    row |= {"Текст инцидента": "'Нет воды, [id1|Имя]!\nСколько ждать?", "1ый ответ ПИ": "'", "Опрос отправлен": "Нет"}
    row |= {"Урл поста": "https://vk.com/wall-1_2", "Аудитория": 1200, "Есть медиафайл в сообщении": "Да"}
    row[PLACE] = over.get("place", "Азов г.о.")
    row[GROUP], row[TOPIC] = over.get("group", "ЖКХ"), over.get("topic", "Отсутствие холодной воды")
    row[AUTHORITY] = over.get("authority", "Администрация г. Азова")
    return row


def answer(moment: datetime, took: Value) -> tuple[datetime, Cells]:
    """The first answer is published."""
    return moment, {ANSWERED: stamp(moment), WORKING: took, STEP: stamp(moment), "Общий текст первого ответа": "'Ответ"}


def close(moment: datetime, reason: Value = "Нет ответа от автора") -> tuple[datetime, Cells]:
    """The card is closed."""
    outcome = "Не решено" if reason in ("1", "2") else "Решено"
    return moment, {CLOSED: stamp(moment), REASON: reason, "Текущий шаг инцидента": "Готово", "Итог": outcome}


def incident_stories(era: Era, rng: random.Random, ordinary: int) -> list[Story]:
    """All incidents of the six weeks; the first one is of Tuesday of the second week."""
    keys = (str(number) for number in count(7_000_001, rng.randint(1, 9)))
    traps = [
        *_clock_traps(era),
        *_answer_traps(era),
        *_duration_traps(era),
        *_closing_traps(era),
        *_mark_traps(era),
        *_place_traps(era),
        *_topic_traps(era),
        *_layout_traps(era),
        *_gate_traps(era),
        *_calendar_traps(era),
        *_edge_traps(era),
        *_history_traps(era),
    ]
    for story in traps:
        if not story.key:
            story.key = next(keys)
            story.cells["ID"] = story.key
    return traps + [_ordinary(era, rng, next(keys)) for _ in range(ordinary)]


def _trap(
    name: str, created: datetime, *changes: tuple[datetime, Cells], expected: dict[str, object] | None, **over: Value
) -> Story:
    return Story(name, "", created, cells(None, stamp(created), **over), list(changes), expected)


def _clock_traps(era: Era) -> list[Story]:
    """Nights, week edges and the norm to the minute."""
    monday, friday, sunday = era.at(4, 0), era.at(4, 4), era.at(4, 6)
    next_monday = era.at(5, 0)
    due = {"due_at": era.at(4, 0, "17:30:00")}
    late = {"is_answered_on_time": False}
    in_time = {"is_answered_on_time": True}

    def clock(name: str, created: datetime, due_at: datetime) -> Story:
        return _trap(name, created, expected={"created_at": created, "due_at": due_at, "answered_at": None})

    return [
        _trap(
            "night post",
            era.at(4, 0, "23:40:00"),
            answer(era.at(4, 1, "08:36:00"), minutes(6)),
            expected={"first_answer_working_minutes": 6, "due_at": era.at(4, 1, "17:30:00"), **in_time},
        ),
        _trap(
            "exactly 540 minutes", monday, answer(era.at(4, 0, "17:30:00"), minutes(540)), expected={**due, **in_time}
        ),
        _trap(
            "541 minutes",
            friday + timedelta(hours=8.5),
            answer(era.at(5, 0, "08:31:00"), minutes(541)),
            expected={"first_answer_working_minutes": 541, "due_at": era.at(4, 4, "17:30:00"), **late},
        ),
        _trap(
            "540 minutes and less than half a millisecond",
            monday + timedelta(hours=9),
            answer(era.at(4, 1, "09:00:00"), minutes(540 + 0.0004 / 60)),
            expected={"first_answer_working_minutes": 540, **in_time},
        ),
        _trap(
            "540 minutes and a millisecond",
            monday + timedelta(hours=9),
            answer(era.at(4, 1, "09:00:00"), minutes(540 + 0.001 / 60)),
            expected={"first_answer_working_minutes": 541, **late},
        ),
        _trap("created in the first second of a week", monday, expected={"created_at": monday, **due}),
        _trap(
            "created in the last second of a week",
            era.at(4, 6, "23:59:59"),
            answer(next_monday, minutes(0)),
            expected={"first_answer_working_minutes": 0, "due_at": era.at(5, 0, "17:30:00"), **in_time},
        ),
        _trap(
            "answered in the last second of a week",
            friday + timedelta(hours=12),
            answer(era.at(4, 6, "23:59:59"), minutes(330)),
            expected={"answered_at": era.at(4, 6, "23:59:59"), **in_time},
        ),
        _trap(
            "answered in the first second of a week, late",
            era.at(4, 3, "17:00:00"),
            answer(next_monday, minutes(570)),
            expected={"answered_at": next_monday, "due_at": era.at(4, 4, "17:00:00"), **late},
        ),
        _trap(
            "overdue by the calendar, in time by the source",
            monday + timedelta(hours=10),
            answer(era.at(5, 1, "12:00:00"), minutes(500)),
            expected={"first_answer_working_minutes": 500, "due_at": era.at(4, 1, "10:00:00"), **in_time},
        ),
        _trap(
            "late by the source before the calendar's deadline",
            monday + timedelta(hours=10),
            answer(era.at(4, 0, "15:00:00"), minutes(600)),
            expected={"first_answer_working_minutes": 600, "due_at": era.at(4, 1, "10:00:00"), **late},
        ),
        clock("created at 08:29:59", era.at(4, 1, "08:29:59"), era.at(4, 1, "17:30:00")),
        clock("created at 08:30:00", era.at(4, 1, "08:30:00"), era.at(4, 1, "17:30:00")),
        clock("created at 08:30:01", era.at(4, 1, "08:30:01"), era.at(4, 2, "08:30:01")),
        clock("created at 17:29:59", era.at(4, 1, "17:29:59"), era.at(4, 2, "17:29:59")),
        clock("created at 17:30:00", era.at(4, 1, "17:30:00"), era.at(4, 2, "17:30:00")),
        clock("created on a Saturday", era.at(4, 5, "11:11:11"), era.at(5, 0, "17:30:00")),
        clock("created on Sunday's first second", sunday, era.at(5, 0, "17:30:00")),
        clock("due on Sunday evening never, on Friday yes", era.at(4, 3, "17:30:00"), era.at(4, 4, "17:30:00")),
    ]


def _answer_traps(era: Era) -> list[Story]:
    """First answers that newer versions move, blank or correct."""
    created = era.at(4, 0, "09:00:00")
    first = era.at(4, 0, "10:40:00")
    blank: Cells = {ANSWERED: "-", WORKING: "-"}
    kept = {"answered_at": first, "first_answer_working_minutes": 100, "is_first_answer_imputed": False}
    later = era.at(4, 4, "09:00:00")
    between = era.at(4, 5)
    correction = era.at(5, 2)
    return [
        _trap("answer blanked", created, answer(first, minutes(100)), (between, blank), expected=kept),
        _trap(
            "answer moved later",
            created,
            answer(first, minutes(100)),
            (between, answer(later, minutes(2000))[1]),
            expected=kept,
        ),
        _trap(
            "answer moved earlier",
            created,
            answer(later, minutes(2160)),
            (correction, answer(first, minutes(100))[1]),
            expected=kept,
        ),
        _trap(
            "answer's minutes corrected",
            created,
            answer(first, minutes(900)),
            (correction, {WORKING: minutes(100)}),
            expected={**kept, "is_answered_on_time": True},
        ),
        _trap(
            "answer moved later and back, its minutes dropped",
            created,
            answer(first, minutes(90)),
            (between, answer(later, minutes(2000))[1]),
            (correction, answer(first, "-")[1]),
            expected={**kept, "is_first_answer_imputed": True},
        ),
        _trap(
            "creation corrected",
            created,
            answer(first, "-"),
            (between, {CREATED: stamp(created - timedelta(hours=3))}),
            expected={**kept, "created_at": created, "is_first_answer_imputed": True},
        ),
        _trap(
            "creation moved into another week",
            era.at(4, 0, "00:30:00"),
            (between, {CREATED: stamp(era.at(3, 6, "23:30:00"))}),
            expected={"created_at": era.at(4, 0, "00:30:00"), "due_at": era.at(4, 0, "17:30:00")},
        ),
        _trap(
            "answered once the export window had gone on",
            era.at(1, 3, "12:00:00"),
            answer(era.at(5, 3, "12:00:00"), minutes(10)),
            expected={"answered_at": None, "is_answered_on_time": None},
        ),
        _trap(
            "left the window unanswered", era.at(1, 2, "09:15:00"), expected={"answered_at": None, "closed_at": None}
        ),
    ]


def _duration_traps(era: Era) -> list[Story]:
    """The source's working duration in every shape, and absent."""
    created, answered = era.at(4, 2, "09:00:00"), era.at(4, 2, "14:00:00")
    shapes: list[tuple[str, Value, int, bool]] = [
        ("missing", "-", 300, True),
        ("empty", None, 300, True),
        ("negative", minutes(-120), 300, True),
        ("negative text", "-2:00:00", 300, True),
        ("unreadable", "н/д", 300, True),
        ("as text", "5:10:00", 310, False),
        ("as text of more than a day", "26:00:00", 1560, False),
        ("as text with days", "1 days 02:00:00", 1560, False),
        ("as text with milliseconds", "5:10:00.001", 311, False),
        ("as a bare number of days", 0.125, 180, False),
        ("as a time of day", Formatted(0.25, "hh:mm:ss"), 360, False),
        ("with seconds", hours(timedelta(hours=5, seconds=1)), 301, False),
        ("of exactly nothing", minutes(0), 0, False),
        ("of more than a day", minutes(1561), 1561, False),
    ]
    return [
        _trap(
            f"duration {name}",
            created,
            answer(answered, value),
            expected={
                "first_answer_working_minutes": known,
                "is_first_answer_imputed": imputed,
                "answered_at": answered,
            },
        )
        for name, value, known, imputed in shapes
    ] + [
        _trap(
            "imputed over the norm",
            era.at(4, 0, "10:00:00"),
            answer(era.at(4, 1, "10:00:01"), "-"),
            expected={
                "first_answer_working_minutes": 541,
                "is_first_answer_imputed": True,
                "is_answered_on_time": False,
            },
        ),
        _trap(
            "imputed to the norm",
            era.at(4, 0, "10:00:00"),
            answer(era.at(4, 1, "10:00:00"), "-"),
            expected={
                "first_answer_working_minutes": 540,
                "is_first_answer_imputed": True,
                "is_answered_on_time": True,
            },
        ),
    ]


def _closing_traps(era: Era) -> list[Story]:
    """Cards closed without an answer, around the deadline and around a week's edge."""
    created = era.at(4, 3, "10:00:00")
    due = era.at(4, 4, "10:00:00")

    def closed(name: str, moment: datetime) -> Story:
        expected: dict[str, object] = {
            "closed_at": moment,
            "answered_at": None,
            "is_answered_on_time": None,
            "due_at": due,
        }
        return _trap(name, created, close(moment), expected=expected)

    return [
        closed("closed without an answer before the deadline", due - timedelta(seconds=1)),
        closed("closed without an answer on the deadline", due),
        closed("closed without an answer after the deadline", due + timedelta(seconds=1)),
        closed("closed without an answer in a week's last second", era.at(4, 6, "23:59:59")),
        closed("closed without an answer in a week's first second", era.at(5, 0)),
        _trap(
            "closed and opened again", created, close(due), (era.at(5, 2), {CLOSED: "-"}), expected={"closed_at": None}
        ),
        _trap(
            "closed 97 hours after the answer",
            created,
            answer(era.at(4, 3, "12:00:00"), minutes(120)),
            close(era.at(5, 0, "13:00:00"), "Автор доволен"),
            expected={"answered_at": era.at(4, 3, "12:00:00"), "closed_at": era.at(5, 0, "13:00:00")},
        ),
        _trap(
            "answered after it was closed",
            created,
            close(era.at(4, 3, "12:00:00")),
            answer(era.at(5, 1, "12:00:00"), minutes(1200)),
            expected={"closed_at": era.at(4, 3, "12:00:00"), "is_answered_on_time": False},
        ),
    ]


def _mark_traps(era: Era) -> list[Story]:
    """Marks and reasons that share one column."""
    created = era.at(4, 1, "11:00:00")
    marks: list[tuple[Value, int | None, bool | None]] = [
        ("5", 5, True),
        (5, 5, True),
        ("4", 4, True),
        ("3", 3, False),
        ("1", 1, False),
        ("0", None, None),
        ("6", None, None),
        (7, None, None),
        ("Автор доволен", None, True),
        ("Нет ответа от автора", None, None),
        ("-", None, None),
    ]
    answered = answer(era.at(4, 1, "12:00:00"), minutes(60))
    return [
        _trap(
            f"mark {mark!r}",
            created,
            answered,
            close(era.at(5, 1), mark),
            expected={"rating": rating, "is_satisfied": satisfied},
        )
        for mark, rating, satisfied in marks
    ] + [
        _trap(
            "mark corrected",
            created,
            answered,
            close(era.at(4, 2), "5"),
            (era.at(5, 2), {REASON: "2"}),
            expected={"rating": 2},
        ),
        _trap(
            "a mark without an answer", created, close(era.at(4, 2), "5"), expected={"rating": 5, "answered_at": None}
        ),
    ]


def _place_traps(era: Era) -> list[Story]:
    """Municipalities that look alike, changed and unknown ones."""
    created = era.at(4, 2, "16:00:00")

    def placed(written: Value, oktmo: str, mapped: bool) -> Story:
        expected: dict[str, object] = {"oktmo": oktmo, "is_municipality_mapped": mapped}
        return _trap(f"place {written!r}", created, expected=expected, place=written)

    return [
        *(placed(written, oktmo, True) for written, oktmo in PLACES.items()),
        *(placed(written, p.OBLAST, False) for written in UNKNOWN_PLACES),
        _trap(
            "municipality changed",
            created,
            (era.at(5, 1), {PLACE: "Азовский район"}),
            expected={"oktmo": p.AZOV_DISTRICT},
            place="Азов г.о.",
        ),
        _trap(
            "municipality changed in an answered message of a past week",
            era.at(3, 4, "10:00:00"),
            answer(era.at(3, 4, "11:00:00"), minutes(60)),
            (era.at(5, 1), {PLACE: "Волгодонск г.о."}),
            expected={"oktmo": p.VOLGODONSK},
            place="Волгодонской район",
        ),
    ]


def _topic_traps(era: Era) -> list[Story]:
    """Starred, renamed, corrected and absent topics."""
    created = era.at(4, 2, "09:30:00")
    answered = answer(era.at(4, 2, "10:00:00"), minutes(30))
    pits: dict[str, object] = {"topic_group": "Благоустройство", "topic": "Ямы во дворах"}
    return [
        _trap("starred topic", created, answered, expected=pits, group="Благоустройство", topic="★ Ямы во дворах"),
        _trap(
            "star added later",
            created,
            answered,
            (era.at(5, 1), {TOPIC: "★ Ямы во дворах"}),
            expected=pits,
            group="Благоустройство",
            topic="Ямы во дворах",
        ),
        _trap(
            "topic corrected",
            era.at(3, 4, "12:00:00"),
            (era.at(5, 1), {GROUP: "Дороги", TOPIC: "Ремонт дороги"}),
            expected={"topic_group": "Дороги", "topic": "Ремонт дороги"},
        ),
        _trap(
            "topic to and fro",
            created,
            answered,
            (era.at(4, 4), {TOPIC: "Ремонт подъездов"}),
            (era.at(5, 0, "12:00:00"), {TOPIC: "Отсутствие холодной воды"}),
            (era.at(5, 4), {TOPIC: "Ремонт подъездов"}),
            expected={"topic": "Ремонт подъездов"},
        ),
        _trap("topic absent", created, expected={"topic_group": "ЖКХ", "topic": "(не указано)"}, topic="-"),
        _trap(
            "group and topic absent",
            created,
            expected={"topic_group": "(не указано)", "topic": "(не указано)"},
            group=None,
            topic="'",
        ),
        _trap("authority absent", created, answered, expected={"authority": "(не указано)"}, authority="-"),
        _trap(
            "authority changed",
            created,
            answered,
            (era.at(5, 1), {AUTHORITY: "Минтранс РО"}),
            expected={"authority": "Минтранс РО"},
        ),
        _trap(
            "a topic of one week only",
            era.at(3, 4, "09:00:00"),
            expected={"topic": "Борщевик Сосновского"},
            topic="Борщевик Сосновского",
        ),
        _trap(
            "a topic answered in the week it came and never again",
            era.at(3, 4, "09:00:00"),
            answer(era.at(3, 4, "10:00:00"), minutes(60)),
            expected={"topic": "Учреждения культуры"},
            group="Культура",
            topic="Учреждения культуры",
        ),
    ]


def _layout_traps(era: Era) -> list[Story]:
    """Cells that come in another shape than they should."""
    created = era.at(4, 1, "08:30:00")
    expected: dict[str, object] = {"created_at": created, "due_at": era.at(4, 1, "17:30:00")}
    shapes: list[tuple[str, Value]] = [
        ("as an Excel date", created),
        ("with T", "2000-01-01T00:00:00"),
        ("with a fraction", stamp(created) + ".900"),
        ("with dots", created.strftime("%d.%m.%Y %H:%M:%S")),
        ("with an apostrophe", f"'{stamp(created)}"),
        ("with spaces", f" {stamp(created)} "),
    ]
    shapes[1] = ("with T", created.isoformat())
    stories = []
    for name, value in shapes:
        story = _trap(f"creation {name}", created, expected=expected)
        story.cells[CREATED] = value
        stories.append(story)
    keys: list[tuple[str, Value, str]] = [("a number", 6_000_001, "6000001"), ("spaced", " 6 000 002 ", "6000002")]
    for name, key, known in keys:
        stories.append(Story(f"key {name}", known, created, cells(key, stamp(created)), expected={"source_key": known}))
    return stories


def _gate_traps(era: Era) -> list[Story]:
    """Rows that must be quarantined, for ever or in one file, and rows that must not."""
    created = era.at(4, 1, "13:00:00")
    made = era.at(5, 0, "10:00:00")  # an export of exactly this moment exists

    def faulty(name: str, wrong: Cells) -> Story:
        story = _trap(name, created, expected=None)
        story.cells |= wrong
        return story

    def twice(name: str, expected: dict[str, object] | None, difference: Cells) -> Story:
        story = _trap(name, created, expected=expected)
        story.copies = [difference]
        return story

    no_key = Story("no key", "-", created, cells("-", stamp(created)), expected=None)
    empty_key = Story("empty key", "''", created, cells(None, stamp(created)), expected=None)
    return [
        no_key,
        empty_key,
        faulty("unreadable creation", {CREATED: "2026-02-31 10:00:00"}),
        faulty("creation in words", {CREATED: "вчера"}),
        faulty("creation absent", {CREATED: "-"}),
        faulty("unreadable answer", {ANSWERED: "скоро"}),
        faulty("unreadable closing", {CLOSED: "2026-13-01 00:00:00"}),
        faulty("unreadable satisfaction step", {STEP: "??"}),
        faulty("answered before created", {ANSWERED: stamp(created - timedelta(seconds=1)), WORKING: minutes(0)}),
        faulty("created years after the export", {CREATED: stamp(created + timedelta(days=400))}),
        twice("twice with the same content", {"created_at": created}, {}),
        twice("twice, one cell `-` and the other empty", {"created_at": created}, {"Теги": None}),
        twice("twice, in two cabinets", {"created_at": created}, {"Кабинет": "Ростов-на-Дону"}),
        twice("twice with different content", None, {TOPIC: "Лифт неисправен или отключен"}),
        _trap(
            "answered in the second of its creation",
            created,
            answer(created, minutes(0)),
            expected={"is_answered_on_time": True},
        ),
        Story(
            "created half a minute after the export",
            "",
            made,
            cells(None, stamp(made + timedelta(seconds=30))),
            expected={"created_at": made + timedelta(seconds=30)},
            stays=timedelta(hours=1),  # this export alone shows it
        ),
        Story(
            "created two minutes after the export, right in the next one",
            "",
            made,
            cells(None, stamp(made + timedelta(minutes=2))),
            [(made + timedelta(hours=1), {PLACE: "Шахты г.о."})],
            {"created_at": made + timedelta(minutes=2), "oktmo": p.SHAKHTY},
        ),
        _trap(
            "newest version quarantined",
            created,
            answer(era.at(4, 1, "14:00:00"), minutes(60)),
            (era.at(5, 2), {PLACE: "Шахты г.о.", CLOSED: "никогда"}),
            expected={"oktmo": p.AZOV, "first_answer_working_minutes": 60},
        ),
    ]


def _calendar_traps(era: Era) -> list[Story]:
    """Creations around the moved days off of the era."""
    due_by_creation = {
        "2025-10-20": {
            "2025-10-31 12:00:00": "2025-11-01 12:00:00",
            "2025-10-31 17:30:00": "2025-11-01 17:30:00",
            "2025-11-01 08:30:00": "2025-11-01 17:30:00",
            "2025-11-01 12:00:00": "2025-11-05 12:00:00",
            "2025-11-03 10:00:00": "2025-11-05 17:30:00",
        },
        "2025-12-22": {
            "2025-12-30 08:30:00": "2025-12-30 17:30:00",
            "2025-12-30 17:30:00": "2026-01-12 17:30:00",
            "2025-12-31 10:00:00": "2026-01-12 17:30:00",
            "2026-01-09 10:00:00": "2026-01-12 17:30:00",
        },
        "2026-04-20": {
            "2026-04-30 12:00:00": "2026-05-04 12:00:00",
            "2026-05-01 12:00:00": "2026-05-04 17:30:00",
            "2026-05-08 17:29:59": "2026-05-12 17:29:59",
            "2026-05-11 09:00:00": "2026-05-12 17:30:00",
        },
    }[era.start.isoformat()]
    return [
        _trap(
            f"moved days: {created}", datetime.fromisoformat(created), expected={"due_at": datetime.fromisoformat(due)}
        )
        for created, due in due_by_creation.items()
    ]


def _history_traps(era: Era) -> list[Story]:
    """What changes and comes back; exports are of Mondays and Thursdays of weeks 4 and 5."""
    created = era.at(3, 2, "10:00:00")
    monday, thursday = era.at(5, 0, "10:00:00"), era.at(4, 3, "18:00:00")
    thursday_after = era.at(5, 3, "12:00:00")
    away, again, back = era.at(4, 1), era.at(4, 4), era.at(5, 1)

    def there_and_back(header: str, event: str, first: str, second: str, known: tuple[str, str]) -> Story:
        story = _trap(
            f"{header}: there and back", created, (away, {header: second}), (back, {header: first}), expected={}
        )
        story.cells[header] = first
        story.events = [told, (event, thursday, *known), (event, thursday_after, *known[::-1])]
        return story

    def history(name: str, *changes: tuple[datetime, Cells], events: list[Told]) -> Story:
        story = _trap(name, created, *changes, expected={})
        story.events = [told, *events]
        return story

    told: Told = ("created", created, None, None)
    topics = ("ЖКХ → Отсутствие холодной воды", "ЖКХ → Лифт неисправен или отключен")
    assigned = [created + timedelta(hours=1), era.at(4, 1, "09:00:00")]
    closed = created + timedelta(hours=5)
    moment = stamp(closed)
    return [
        there_and_back(TOPIC, "topic_changed", "Отсутствие холодной воды", "Лифт неисправен или отключен", topics),
        there_and_back(PLACE, "municipality_changed", "Азов г.о.", "Азовский район", (p.AZOV, p.AZOV_DISTRICT)),
        there_and_back(AUTHORITY, "authority_changed", "Минздрав РО", "Минтранс РО", ("Минздрав РО", "Минтранс РО")),
        history(
            "there and back between two exports",
            (away, {PLACE: "Азовский район"}),
            (away + timedelta(days=1), {PLACE: "Азов г.о."}),
            events=[],
        ),
        history(
            "another spelling of the municipality",
            (created, {PLACE: "Весёловский район"}),
            (away, {PLACE: "Веселовский район"}),
            events=[],
        ),
        history(
            "assigned, assigned again, and back",
            (created, {ASSIGNED: stamp(assigned[0])}),
            (away, {ASSIGNED: stamp(assigned[1])}),
            (back, {ASSIGNED: stamp(assigned[0])}),
            events=[("assigned", at, None, None) for at in assigned],
        ),
        history(
            "closed, opened, closed with the same date",
            close(closed),
            (away, {CLOSED: "-"}),
            (back, {CLOSED: moment}),
            events=[
                ("closed", closed, None, moment),
                ("reopened", thursday, moment, None),
                ("closed", closed, None, moment),
            ],
        ),
        history(
            "mark given, changed, withdrawn",
            (away, {REASON: "5"}),
            (again, {REASON: "2"}),
            (back, {REASON: "-"}),
            events=[("rated", thursday, None, "5"), ("rated", monday, "5", "2"), ("rated", thursday_after, "2", None)],
        ),
    ]


def _edge_traps(era: Era) -> list[Story]:
    """Shares exactly on a zone's border, bases exactly on the border of a percent change; see `EDGES`."""
    stories = []
    created, next_created = era.at(4, 1, "10:00:00"), era.at(5, 2, "10:00:00")
    answered_at = created + timedelta(hours=1)
    for place, (in_time, late, next_week) in EDGES.items():
        for took in [60] * in_time + [541] * late:
            answered = answer(answered_at, minutes(took))
            stories.append(
                _trap(f"edge {place}", created, answered, expected={"answered_at": answered_at}, place=place)
            )
        for _ in range(next_week):
            stories.append(_trap(f"edge {place}", next_created, expected={"answered_at": None}, place=place))
    for _ in range(5):  # a week of answers whose lateness began the week before: nothing to take a share of
        answered = answer(era.at(5, 1, "10:00:00"), minutes(1620))
        stories.append(
            _trap("decided before", created, answered, expected={"is_answered_on_time": False}, place="Сальский район")
        )
    return stories


def _ordinary(era: Era, rng: random.Random, key: str) -> Story:
    first = era.at(1, 1)
    created = first + timedelta(seconds=rng.randrange(33 * 86400))
    if rng.random() < 0.2:
        created = created.replace(
            hour=rng.choice((0, 8, 17, 23)), minute=rng.choice((0, 29, 30, 59)), second=rng.choice((0, 59))
        )
    group, topic = rng.choice([TOPICS[0], TOPICS[0], TOPICS[0], *TOPICS])
    place = rng.choice([*PLACES, "Ростов-на-Дону г.о.", "Ростов-на-Дону г.о.", "Неведомый район"])
    story_cells = cells(key, stamp(created), place=place, group=group, topic=topic, authority=rng.choice(AUTHORITIES))
    changes: Changes = []
    if rng.random() < 0.8:
        answered = created + timedelta(seconds=int(rng.expovariate(1 / (30 * 3600))))
        if rng.random() < 0.1:
            answered = due_moment(created)
        took = whole_minutes(working_time(created, answered)) + rng.choice((0, 0, 0, 0, 1, -1, 30))
        changes.append(answer(answered, minutes(max(took, 0)) if rng.random() < 0.9 else rng.choice(("-", "н/д"))))
        if rng.random() < 0.8:
            changes.append(close(answered + timedelta(hours=97), rng.choice(REASONS)))
    elif rng.random() < 0.5:
        changes.append(close(created + timedelta(seconds=rng.randrange(5 * 86400))))
    if rng.random() < 0.15:
        new_group, new_topic = rng.choice(TOPICS)
        corrected: Cells = {GROUP: new_group, TOPIC: f"★ {new_topic}"}
        moved: Cells = {PLACE: rng.choice(list(PLACES))}
        changes.append((created + timedelta(days=rng.uniform(1, 15)), rng.choice((corrected, moved))))
    if rng.random() < 0.15:
        story_cells[CREATED] = created
    story_cells["Урл поста"] = rng.choice(POSTS)
    story_cells["Исполнитель"] = rng.choice(("-", "Отдел благоустройства"))
    story_cells["URL автора"] = AUTHORS[int(key) % len(AUTHORS)]
    cabinet = "Ростов-на-Дону" if rng.random() < 0.2 else "Ростовская область"
    return Story("", key, created, story_cells, changes, cabinet=cabinet)
