"""Each cause appears from the rows that a task leaves, stays the same while it lasts, and goes when it is mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mcu.alerts import causes, ledger
from mcu.alerts.causes import Cause
from mcu.alerts.kinds import KINDS
from tests.integration.alerts.world import HOUR, MONDAY_9, SETTINGS, World

pytestmark = pytest.mark.postgres

EARLIER = MONDAY_9 - 3 * HOUR  # longer than what retries mend
DAY = timedelta(days=1)


def found(world: World, at: datetime = MONDAY_9) -> list[Cause]:
    return causes.find(world.connection, SETTINGS, at)


def kinds(world: World, at: datetime = MONDAY_9) -> list[str]:
    return [cause.kind for cause in found(world, at)]


def test_nothing_is_wrong(world: World) -> None:
    assert found(world) == []


def test_nothing_is_wrong_in_an_empty_warehouse(world: World) -> None:
    world.do("truncate ops.load, ops.mart_build cascade")
    assert found(world) == []


def test_refused_file_until_another_content_of_it_is_in(world: World) -> None:
    world.load("a.xlsx", "refused", EARLIER, "a.xlsx: нет обязательных столбцов: «Тема»", sha256="1")
    (cause,) = found(world)
    assert (cause.kind, cause.subject) == ("load_refused", "a.xlsx")
    assert cause.what == "нет обязательных столбцов: «Тема»"
    world.load("a.xlsx", "refused", MONDAY_9, "a.xlsx: Выгрузка пуста", sha256="2")
    (another,) = found(world)
    assert another.what == "Выгрузка пуста"
    assert another.cause != cause.cause
    world.load("a.xlsx", "published", MONDAY_9, sha256="3")
    assert found(world) == []


def test_refused_again_by_other_rules_is_the_same_cause(world: World) -> None:
    world.load("a.xlsx", "refused", EARLIER, "a.xlsx: нет столбцов", sha256="1")
    (before,) = found(world)
    world.load("a.xlsx", "running", MONDAY_9, sha256="1")
    assert [cause.cause for cause in found(world)] == [before.cause]
    world.load("a.xlsx", "refused", MONDAY_9, "a.xlsx: нет других", sha256="1")
    assert [cause.cause for cause in found(world)] == [before.cause]


def test_refused_file_whose_content_came_in_under_another_name(world: World) -> None:
    world.load("a.xlsx", "refused", EARLIER, "a.xlsx: нет столбцов", sha256="1")
    world.load("b.xlsx", "published", EARLIER, sha256="1")
    assert found(world) == []


def test_refused_file_that_was_replaced_by_what_is_known(world: World) -> None:
    world.load("a.xlsx", "refused", EARLIER, "a.xlsx: нет столбцов", sha256="1")
    place = "insert into ops.inbox_file (inbox, uri, size, version, sha256, exported_at, exported_at_from) values"
    world.do(f"{place} ('in', 'a.xlsx', 1, '1', '1', now(), 'document')")
    assert kinds(world) == ["load_refused"]
    world.do("update ops.inbox_file set sha256 = '2'")
    assert found(world) == []


def test_failed_load_when_it_lasts(world: World) -> None:
    world.load("a.xlsx", "failed", MONDAY_9 - HOUR, "OperationalError: gone")
    assert found(world) == []
    world.load("a.xlsx", "failed", EARLIER, "OperationalError: gone")
    assert kinds(world) == ["load_failed"]
    world.load("a.xlsx", "running", MONDAY_9)
    assert [cause.what for cause in found(world)] == ["ошибка OperationalError"]
    world.load("a.xlsx", "published", MONDAY_9)
    assert found(world) == []


def test_load_that_was_killed_and_never_tidied_up(world: World) -> None:
    world.load("a.xlsx", "running", EARLIER)
    assert [cause.what for cause in found(world)] == ["загрузка началась и не кончилась"]
    world.do("update ops.load set status = 'failed', error = 'прервано' where uri = 'a.xlsx'")
    assert [cause.what for cause in found(world)] == ["загрузка прервана"]


def test_error_of_the_server_is_told_by_name_and_place_without_the_value(world: World) -> None:
    error = (
        'InvalidTextRepresentation: invalid input syntax for type date: "Иванов"\n'
        'CONTEXT:  COPY pos_12, line 3, column created_on: "Иванов"\n'
    )
    world.load("a.xlsx", "failed", EARLIER, error)
    world.load("b.xlsx", "failed", EARLIER, "UniqueViolation: dup\nDETAIL:  Key (author)=(Иванов) already exists.")
    world.load("c.xlsx", "failed", EARLIER, "Иванов")
    assert [(cause.subject, cause.what) for cause in sorted(found(world), key=lambda cause: cause.subject)] == [
        ("a.xlsx", "ошибка InvalidTextRepresentation в COPY pos_12, line 3, column created_on"),
        ("b.xlsx", "ошибка UniqueViolation"),
        ("c.xlsx", "ошибка"),
    ]


def test_failed_build_names_the_nodes_by_their_last_try(world: World) -> None:
    build_id = world.build("failed", MONDAY_9 - HOUR / 2)
    world.dbt_result(build_id, "test.mcu.unique", "fail", MONDAY_9, failures=12)
    world.dbt_result(build_id, "model.mcu.fct", "error", MONDAY_9 - HOUR / 4)
    world.dbt_result(build_id, "model.mcu.fct", "success", MONDAY_9)
    world.dbt_result(build_id, "model.mcu.dim", "error", MONDAY_9)
    assert [(cause.subject, cause.what) for cause in found(world)] == [
        ("model.mcu.dim", "dbt не построил"),
        ("test.mcu.unique, строк 12", "тест dbt не прошёл"),
    ]
    world.build("running", MONDAY_9)
    assert len(found(world)) == 2
    world.do("update ops.mart_build set status = 'published' where status = 'running'")
    assert found(world) == []


def test_failed_check_of_the_marts_once_though_it_was_tried_twice(world: World) -> None:
    check = (
        "insert into ops.validation_result (suite, batch, expectation, severity, dimension, sentence, is_passed,"
        " rows_failed, validated_at) values ('rpt_weekly_region', %s, 'e', %s, 'd', %s, false, 3, %s)"
    )
    batch = "marts_build.rpt_weekly_region"
    world.do(check, batch, "critical", "Из прошлой сборки", MONDAY_9 - 2 * HOUR)
    world.build("failed", MONDAY_9 - HOUR / 2)
    for _ in range(2):
        world.do(check, batch, "critical", "Отвечено больше, чем получено", MONDAY_9 - HOUR / 4)
    world.do(check, batch, "warning", "Непривычно много", MONDAY_9 - HOUR / 4)
    world.do(check, "a.xlsx", "critical", "Строка в карантине", MONDAY_9 - HOUR / 4)
    assert [cause.subject for cause in found(world)] == ["rpt_weekly_region, «Отвечено больше, чем получено», строк 3"]
    world.build("published", MONDAY_9)
    assert found(world) == []


def test_loads_that_no_build_holds(world: World) -> None:
    world.load("a.xlsx", "published", MONDAY_9)
    assert found(world, MONDAY_9 + HOUR) == []
    assert kinds(world, MONDAY_9 + 2.5 * HOUR) == ["marts_behind"]
    world.build("running", MONDAY_9 + 2.5 * HOUR)
    assert kinds(world, MONDAY_9 + 2.5 * HOUR) == ["marts_behind"]
    world.do("update ops.mart_build set status = 'published'")
    assert found(world, MONDAY_9 + 2.5 * HOUR) == []


def test_source_that_fell_silent(world: World) -> None:
    world.load("new incidents.xlsx", "published", MONDAY_9, source="incident")
    world.build("published", MONDAY_9)
    moment = MONDAY_9 + 35.5 * HOUR
    (cause,) = found(world, moment)
    assert (cause.kind, cause.subject) == ("source_stale", "ПОС")
    assert cause.what == "последняя выгрузка сделана 23.11.2026 08:00"
    assert cause.since == MONDAY_9 + 35 * HOUR
    assert causes.find(world.connection, replace(SETTINGS, stale_after=38 * HOUR), moment) == []
    assert causes.find(world.connection, replace(SETTINGS, sources=("incident",)), moment) == []
    world.load("refused.xlsx", "refused", moment, "refused.xlsx: нет столбцов")
    assert "source_stale" in kinds(world, moment)


def test_source_of_which_nothing_ever_came(world: World) -> None:
    world.do("update ops.load set source = 'incident'")
    assert found(world) == []
    (cause,) = [cause for cause in found(world, MONDAY_9 + 36 * HOUR) if cause.subject == "ПОС"]
    assert cause.what == "ни одна выгрузка не загружена"


def test_unknown_delivery_until_somebody_decides(world: World) -> None:
    delivery_id = world.delivery("boss@mcu.example", "unknown", EARLIER)
    (cause,) = found(world)
    assert (cause.kind, cause.subject) == (
        "delivery_unknown",
        f"report_daily за 22.11.2026, oblast, delivery_id {delivery_id}",
    )
    world.do("update ops.delivery set state = 'sent'")
    assert found(world) == []


def test_delivery_whose_sender_was_killed_for_good(world: World) -> None:
    world.delivery("boss@mcu.example", "sending", MONDAY_9 - HOUR)
    assert found(world) == []
    assert kinds(world, MONDAY_9 + 1.5 * HOUR) == ["delivery_unknown"]


def test_refused_delivery_is_one_cause_a_subscription(world: World) -> None:
    world.subscribe("boss@mcu.example")
    world.delivery("boss@mcu.example", "refused", MONDAY_9 - DAY, day="2026-11-21")
    (first,) = found(world)
    world.delivery("boss@mcu.example", "refused", MONDAY_9 - HOUR)
    (second,) = found(world)
    assert first.kind == "delivery_refused"
    assert first.cause == second.cause
    assert second.what == "письмо не принято, ответ 550 5.1.1"
    world.do("update ops.report_subscription set valid_to = '2026-11-22'")
    assert found(world) == []


def test_refused_delivery_goes_with_the_next_that_is_sent(world: World) -> None:
    world.subscribe("boss@mcu.example")
    world.delivery("boss@mcu.example", "refused", MONDAY_9 - DAY, day="2026-11-21")
    world.delivery("boss@mcu.example", "sent", MONDAY_9)
    assert found(world) == []


def test_mails_that_wait_for_more_than_two_hours(world: World) -> None:
    for name in ("a", "b", "left"):
        world.subscribe(f"{name}@mcu.example")
        world.delivery(f"{name}@mcu.example", "planned", MONDAY_9 - HOUR)
    world.do("update ops.report_subscription set valid_to = '2026-11-22' where recipient like 'left%'")
    assert found(world) == []
    (cause,) = [cause for cause in found(world, MONDAY_9 + 1.5 * HOUR) if cause.kind == "delivery_waits"]
    assert cause.subject == "report_daily за 22.11.2026, писем 2"
    world.do("update ops.delivery set state = 'sent'")
    assert found(world, MONDAY_9 + 1.5 * HOUR) == []


def test_deadline_by_local_time(world: World) -> None:
    for name in ("a", "b"):
        world.subscribe(f"{name}@mcu.example")
    world.subscribe("today@mcu.example", since="2026-11-23")
    world.delivery("a@mcu.example", "sent", MONDAY_9)
    assert found(world, MONDAY_9.replace(hour=9, minute=59)) == []
    (cause,) = found(world, MONDAY_9.replace(hour=10))
    assert (cause.kind, cause.subject) == ("report_late", "report_daily за 22.11.2026, без отчёта 1 из 2")
    assert cause.since == MONDAY_9.replace(hour=10)
    world.delivery("b@mcu.example", "sent", MONDAY_9)
    assert found(world, MONDAY_9.replace(hour=10)) == []


def test_deadline_of_the_week_is_on_monday_and_lasts(world: World) -> None:
    world.subscribe("a@mcu.example", "weekly")
    assert found(world) == []
    assert [cause.cause for cause in found(world, MONDAY_9.replace(hour=10))] == ["report_late:weekly:2026-11-16"]
    world.fresh(MONDAY_9 + 4 * DAY)
    assert kinds(world, MONDAY_9 + 4 * DAY) == ["report_late"]
    world.delivery("a@mcu.example", "sent", MONDAY_9, report="weekly", day="2026-11-16")
    assert found(world, MONDAY_9 + 4 * DAY) == []


def test_missed_day_does_not_pass_for_delivered_at_midnight(world: World) -> None:
    world.subscribe("a@mcu.example")
    ten = MONDAY_9.replace(hour=10)
    ledger.note(world.connection, found(world, ten), ten)
    later = ten + 15 * HOUR
    assert [cause.cause for cause in found(world, later)] == ["report_late:daily:2026-11-22"]
    world.delivery("a@mcu.example", "sent", ten)
    assert found(world, later) == []


def test_quarantine_that_fills_is_one_cause_a_source_and_day(world: World) -> None:
    world.load("few.xlsx", "published", MONDAY_9 - 1.5 * HOUR, rows=19, quarantined=19)
    world.load("share.xlsx", "published", MONDAY_9 - 1.5 * HOUR, rows=200, quarantined=40)
    assert found(world) == []
    load_id = world.load("a.xlsx", "published", MONDAY_9 - 1.5 * HOUR, rows=100, quarantined=21)
    (before,) = found(world)
    assert before.subject == "ПОС, загружено 23.11.2026, строк 21 из 100, файлов 1, первый a.xlsx"
    world.load("b.xlsx", "published", MONDAY_9 - 1.5 * HOUR, rows=20, quarantined=20)
    (cause,) = found(world)
    assert (cause.kind, cause.cause) == ("quarantine", before.cause)
    assert cause.subject == "ПОС, загружено 23.11.2026, строк 41 из 120, файлов 2, первый a.xlsx"
    world.do("update ops.quarantine set replayed_by_load_id = %s", load_id)
    assert found(world) == []
    load_id = world.load("replayed.xlsx", "published", MONDAY_9 - 1.5 * HOUR, rows=200, quarantined=60)
    assert kinds(world) == ["quarantine"]
    world.do("update ops.quarantine set replayed_by_load_id = load_id where load_id = %s and row_number > 40", load_id)
    assert found(world) == []


def test_reports_that_read_otherwise_now_are_one_cause_a_period(world: World) -> None:
    for scope in ("oblast", "60737000"):
        world.do("insert into ops.report_change values ('weekly', '2026-11-16', %s, 1, 3, %s)", scope, MONDAY_9 - HOUR)
    (cause,) = found(world)
    assert (cause.kind, cause.subject) == ("report_changed", "report_weekly за 16.11.2026, изданий 2")
    assert cause.since == MONDAY_9 - HOUR


def test_what_is_told_holds_no_person_and_no_control_character(world: World) -> None:
    world.subscribe("boss@mcu.example")
    world.delivery("boss@mcu.example", "refused", EARLIER)
    world.delivery("other@mcu.example", "unknown", EARLIER)
    build_id = world.build("failed", MONDAY_9 - HOUR / 2)
    world.dbt_result(build_id, "model.mcu.fct", "error", MONDAY_9)
    world.load("a\r\nBcc: evil@example.org\u202e.xlsx", "refused", EARLIER, "плохо\nдело")
    told = found(world)
    assert {cause.kind for cause in told} == {"delivery_refused", "delivery_unknown", "gate_failed", "load_refused"}
    for cause in told:
        line = f"{cause.subject} {cause.what}"
        assert line.isprintable()
        assert "Иванов" not in line
        assert "@mcu.example" not in line
    assert [cause.subject for cause in told if cause.kind == "load_refused"] == ["a Bcc: evil@example.org\ufffd.xlsx"]


def test_rows_mended_by_hand_may_lack_anything(world: World) -> None:
    world.load("a.xlsx", "refused", EARLIER)
    world.delivery("a@mcu.example", "unknown", EARLIER)
    world.do("update ops.delivery set finished_at = null, sending_at = null")
    world.do("update ops.load set finished_at = null where status = 'refused'")
    assert [(cause.what, cause.since) for cause in found(world) if cause.kind == "load_refused"] == [
        ("причина не записана", MONDAY_9)
    ]


def test_every_kind_is_asked_for_here_or_beside_the_deadlines() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_[cd]*.py"))
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
