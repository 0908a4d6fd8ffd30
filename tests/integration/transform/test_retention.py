"""What is old goes, the rest stays, and every count and mart is as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from mcu.keeping import retention
from mcu.keeping.retention import Persons
from mcu.landing.forget import BuildIsRunningError
from mcu.operators.maintain import LetGoOfPersonsOperator, TidyOperator
from mcu.quality import docs
from mcu.settings import Settings
from stack.postgres import Cluster
from tests import workbooks
from tests.integration.transform.test_forget import House
from tests.workbooks import Cells

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 100  # before NOW: 21 February
OLD, YOUNG, OPEN = "staryj_vydumann", "nedavno_vydumann", "otkryto_vydumann"
ON_PAPER = "bumazhny"  # of the ПОС


def person(number: int, mark: str, closed_at: str | None) -> Cells:
    texts = {
        "message_text": f"Я {mark}, помогите",
        "note": f"звонила {mark}",
        "street": f"улица {mark}",
        "author_url": f"https://vk.com/{mark}",
        "post_url": f"https://vk.com/wall_{mark}",
        "outcome": f"Решено, {mark}@mail.example",
        "Новый столбец": f"и тут {mark}",
    }
    return {"im_id": str(number), "closed_at": closed_at, **texts}


class Keeping(House):
    def limited(self, **days: int) -> Settings:
        """`pii`, `quarantine`: days of all sources."""
        both = {name: dict.fromkeys(self.settings.sources, number) for name, number in days.items()}
        return replace(
            self.settings, keep_pii_days=both.get("pii", {}), keep_quarantine_days=both.get("quarantine", {})
        )

    def let_go(self, settings: Settings, **options: Any) -> Persons:
        return retention.let_go_of_persons(self.dsn, settings, NOW, "test", **options)

    def counts(self) -> list[Any]:
        """All that may not change: keys, hashes and dates of versions, loads, the reconciliation."""
        return [
            self.ask(
                "select source_key, exported_at, content_hash, created_at, closed_at from raw.incident order by 1, 2, 3"
            ),
            self.ask("select source_key, exported_at, content_hash from raw.pos_message order by 1, 2, 3"),
            self.ask("select load_id, row_number, source_key, created_on from ops.quarantine order by 1, 2"),
            self.ask("select load_id, status, rows_read, rows_new, rows_quarantined from ops.load order by 1"),
            self.ask("select * from ops.reconciliation order by 1, 2, 5"),
        ]


@pytest.fixture(scope="module")
def house(postgres_server: Cluster, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    """An old, a young and an open message, each of somebody else; an old appeal; somebody's row in quarantine."""
    with postgres_server.superuser() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database retention template {_template} owner mcu")
        house = Keeping(postgres_server.dsn("retention"), tmp_path_factory.mktemp("retention"))
        old = person(1001, OLD, "2026-02-06 13:00:00")
        broken = {**old, "created_at": f"когда {OLD}"}
        house.export("И_2026-02-10_01-00", {**old, "note": f"раньше {OLD}"})
        house.export("И_2026-03-11_01-00", broken, person(1004, OPEN, None))
        house.export("И_2026-03-12_01-00", old, person(1002, YOUNG, "2026-03-10 13:00:00"), person(1004, OPEN, None))
        workbooks.write_pos(Path(house.settings.inbox, "П_2026-03-12_01-00.xlsx"), [{"epgu_number": f"7{ON_PAPER}"}])
        house.load("pos")
        house.build()
        yield house
        house.close()
        cursor.execute("drop database retention with (force)")


def test_persons_of_old_messages_go_and_all_else_stays(house: Keeping) -> None:
    marts, counts = house.marts(), house.counts()
    old, young, still_open = house.traces([OLD]), house.traces([YOUNG]), house.traces([OPEN])
    for place in (
        "raw.incident.message_text",
        "raw.incident.extra",
        "pii.message_person.street",
        "ops.quarantine.payload",
    ):
        assert place in old
    for place in ("raw.incident.message_text", "pii.message_person.street"):
        assert place in young
        assert place in still_open
    assert house.traces([ON_PAPER])

    # Without a limit nothing goes, nor in a dry run.
    assert house.let_go(house.limited()) == Persons(0, 0, 0)
    assert house.let_go(house.limited(pii=DAYS), dry_run=True) == Persons(2, 1, 0)
    assert house.traces([OLD]) == old
    assert house.ask("select count(*) from ops.forgotten") == [(0,)]

    assert house.let_go(house.limited(pii=DAYS)) == Persons(2, 1, 0)
    assert house.traces([OLD]) == []
    assert house.traces([ON_PAPER]) == []
    # All but the Data Docs, which are made anew by the next load and build.
    kept = [place for place in young if not place.startswith("data_docs")]
    assert [place for place in house.traces([YOUNG]) if not place.startswith("data_docs")] == kept
    kept = [place for place in still_open if not place.startswith("data_docs")]
    assert [place for place in house.traces([OPEN]) if not place.startswith("data_docs")] == kept
    assert house.marts() == marts
    assert house.counts() == counts
    assert house.ask("select forgotten_by, author, messages, quarantined from ops.forgotten") == [
        ("maintain_warehouse", None, 2, 1)
    ]

    # Once more finds nobody; another build and the same row in another export bring nobody back.
    assert house.let_go(house.limited(pii=DAYS)) == Persons(0, 0, 0)
    house.export("И_2026-03-13_01-00", {**person(1001, OLD, "2026-02-06 13:00:00"), "topic": "Другая тема"})
    house.build()
    assert house.traces([OLD]) == []
    assert house.ask("select topic from bi.fct_message where message_id = 'incident:1001'") == [("Другая тема",)]


def test_each_source_has_its_own_limit(house: Keeping) -> None:
    of_pos = replace(house.settings, keep_pii_days={"pos": 35})
    assert house.let_go(of_pos, dry_run=True) == Persons(0, 0, 0)
    of_incidents = replace(house.settings, keep_pii_days={"incident": 35})
    assert house.let_go(of_incidents, dry_run=True) == Persons(1, 0, 0)


def test_a_night_takes_no_more_than_it_may(house: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_MESSAGES", 0)
    assert house.let_go(house.limited(pii=35), dry_run=True) == Persons(0, 0, 1)


def test_persons_in_old_rows_of_quarantine_go(house: Keeping) -> None:
    broken = {**person(1005, YOUNG, None), "created_at": "когда-то"}
    house.export("И_2026-03-14_01-00", broken, person(1006, OPEN, None))
    ((payload,),) = house.ask("select payload from ops.quarantine where source_key = '1005'")
    assert YOUNG in str(payload)
    assert house.let_go(house.limited(quarantine=35)) == Persons(0, 0, 0)
    house.run(f"update ops.quarantine set quarantined_at = '{NOW - timedelta(days=36)}' where source_key = '1005'")
    counts = house.counts()
    assert house.let_go(house.limited(quarantine=35)) == Persons(0, 1, 0)
    ((payload, is_emptied),) = house.ask(
        "select payload, emptied_at is not null from ops.quarantine where source_key = '1005'"
    )
    assert (YOUNG in str(payload), payload["topic"], is_emptied) == (False, "Нет воды", True)
    assert house.counts() == counts
    assert house.let_go(house.limited(quarantine=35)) == Persons(0, 0, 0)


def operate(house: Keeping, monkeypatch: pytest.MonkeyPatch, operator: Any, *, dry_run: bool) -> dict[str, int]:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", house.dsn)
    monkeypatch.setenv("MCU_STATE", str(house.state))
    result: dict[str, int] = operator(task_id="task").execute({"params": {"dry_run": dry_run}, "run_id": "test"})
    return result


def test_it_waits_for_a_build(house: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run("insert into ops.mart_build (run_id, status) values ('test', 'running')")
    with pytest.raises(BuildIsRunningError):
        house.let_go(house.limited(pii=DAYS))
    monkeypatch.setenv("MCU_KEEP_PII_DAYS", "35")
    with pytest.raises(AirflowException, match="being built"):
        operate(house, monkeypatch, LetGoOfPersonsOperator, dry_run=True)
    house.run("update ops.mart_build set status = 'failed' where status = 'running'")
    counted = operate(house, monkeypatch, LetGoOfPersonsOperator, dry_run=True)
    assert counted["messages"] == 1  # the young one: by the clock it is old, too


def test_old_results_go(house: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(
        "update ops.validation_result set validated_at = '2025-01-01'"
        " where result_id = (select min(result_id) from ops.validation_result where expectation <> 'column_is_known')"
        " or expectation = 'column_is_known'",
        "update ops.dbt_result set finished_at = '2025-01-01' where node_id ~ 'rpt_weekly'",
        "insert into ops.alert (cause, kind, subject, what, triage, since, first_seen_at, last_seen_at, gone_at)"
        " select n, 'quarantine', '', '', '', '2025-01-01', '2025-01-01', '2025-01-01', gone"
        " from (values ('gone', timestamptz '2025-01-02'), ('stands', null)) as alert (n, gone)",
        "create unlogged table stage.incident_99 (a int)",
    )
    is_vacuumed = "select relallvisible > 0 from pg_class where oid = 'raw.incident'::regclass"
    assert house.ask(is_vacuumed) == [(False,)]
    before = results(house)
    counted = operate(house, monkeypatch, TidyOperator, dry_run=True)
    assert results(house) == before
    done = operate(house, monkeypatch, TidyOperator, dry_run=False)
    assert done == {**counted, "stage": 1}
    assert (done["validation_result"], done["alert"]) == (1, 1)
    assert done["dbt_result"] > 1
    assert house.ask("select cause from ops.alert") == [("stands",)]
    assert house.ask("select count(*) > 0 from ops.validation_result where expectation = 'column_is_known'") == [
        (True,)
    ]
    assert house.ask("select count(*) from pg_tables where schemaname = 'stage'") == [(0,)]
    assert house.ask("select count(*) from ops.dbt_result where node_id ~ 'rpt_weekly'") == [(0,)]
    assert house.ask(is_vacuumed) == [(True,)]


def test_marts_are_not_vacuumed_beside_a_build(house: Keeping, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", retention.__name__)
    retention.vacuum(house.dsn)
    house.run("insert into ops.mart_build (run_id, status) values ('at work', 'running')")
    retention.vacuum(house.dsn)
    house.run("delete from ops.mart_build where run_id = 'at work'")
    all_of_them, without_marts = (int(re.findall(r"vacuumed (\d+)", text)[0]) for text in caplog.messages)
    (left_out,) = house.ask("select count(*) from pg_tables where schemaname in ('marts', 'pii')")[0]
    assert left_out > 10
    assert without_marts == all_of_them - left_out


def results(house: Keeping) -> list[Any]:
    return house.ask(
        "select (select count(*) from ops.validation_result), (select count(*) from ops.dbt_result),"
        " (select count(*) from ops.alert), (select count(*) from pg_tables where schemaname = 'stage')"
    )


def test_old_data_docs_are_trimmed(house: Keeping) -> None:
    house.export("И_2026-03-15_01-00", person(1007, OPEN, None))
    folder = house.state / "data_docs"
    stored = sorted((folder / "results").rglob("*.json"))
    pages = sorted((folder / "validations").rglob("*.html"))
    assert len(stored) == len(pages) > 1
    assert docs.trim(folder, NOW) == 0
    for path in stored:
        os.utime(path, (NOW.timestamp() - 1, NOW.timestamp() - 1))
    assert docs.trim(folder, NOW) == 0  # what counts is when they were made, not when the file was
    assert sorted((folder / "results").rglob("*.json")) == stored
    assert docs.trim(folder, datetime.now(UTC) + timedelta(days=1)) == len(stored)
    assert not list((folder / "results").rglob("*.json"))
    assert not list((folder / "validations").rglob("*.html"))
    assert (folder / "index.html").exists()
    assert docs.trim(house.state / "no_such_folder", NOW) == 0
