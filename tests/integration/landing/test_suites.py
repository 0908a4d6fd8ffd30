"""Each expectation of both suites can fail: a defect for every one of them, and nothing else goes red."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg2.extensions import connection as Connection

from mcu.landing import stage
from mcu.quality import gate, suites
from mcu.quality.gate import Gate, Outcome
from mcu.sources.workbook import open_export
from tests.workbooks import SAMPLES, write

pytestmark = pytest.mark.postgres

MOSCOW = ZoneInfo("Europe/Moscow")
EXPORTED_AT = dt.datetime(2026, 2, 10, 8, 0, tzinfo=MOSCOW)
KEYS = {"pos": "pos_number", "incident": "im_id"}
USUAL = {"rows_at_least": 1, "rows_at_most": 100, "newest_at_least": dt.date(2026, 2, 2)}

Rows = list[dict[str, Any]]

# Sentence of the suite → the cells of the rows that break it, over a sound sample.
DEFECTS: dict[str, dict[str, Rows]] = {
    "pos": {
        "Нет номера сообщения": [{"pos_number": "-"}],
        "Номер {source_key} стоит в файле несколько раз с разным содержанием": [
            {"pos_number": "1", "status": "В работе"},
            {"pos_number": "1"},
        ],
        "«Номер» — не номер сообщения, а ошибка формулы, число без последних цифр или длинный текст: {source_key}. "
        "Выгрузите столбец текстом": [
            {"pos_number": "#N/A"},
            {"pos_number": "3,27E+08"},
            {"pos_number": 1234567890123456789},
            {"pos_number": "1" * 101},
        ],
        "Нет даты поступления": [{"received_date": "-"}],
        "«Дата поступления» не читается: {received_date}": [{"received_date": "31.02.2026"}],
        "«Дата планируемого завершения работ» не читается: {planned_date}": [{"planned_date": "через месяц"}],
        "«Дата фактического завершения работ» не читается: {completed_date}": [{"completed_date": 46083}],
        "Ответ раньше поступления: завершено {completed_date}, поступило {received_date}": [
            {"completed_date": "01.02.2026"}
        ],
        "Поступило позже, чем выгружено: поступило {received_date}, выгружено {exported_on}": [
            {"received_date": "11.02.2026", "completed_date": "-"}
        ],
        "Поступило раньше 2020 года, опечатка в дате: {received_date}": [{"received_date": "02.02.2006"}],
        "Завершено позже, чем выгружено": [{"completed_date": "11.02.2026"}],
        "Плановая дата раньше даты поступления": [{"planned_date": "01.02.2026"}],
        "Нет плановой даты завершения": [{"planned_date": None}],
        "Нет категории": [{"category": "'"}],
        "Нет подкатегории": [{"subcategory": None}],
        "Нет организации, в которую поступило сообщение": [{"org_received": "-"}],
        "Нет стадии": [{"stage": None}],
        "Неизвестная стадия": [{"stage": "Раздумья"}],
        "Неизвестный статус": [{"status": "Потеряно"}],
        "Оценка вне 1–5: в отчёты не идёт": [{"rating": 7}],
        "«Фаст-трек» — не Да и не Нет": [{"is_fast_track": "Наверное"}],
    },
    "incident": {
        "Нет ID": [{"im_id": None}],
        "ID {source_key} стоит в файле несколько раз с разным содержанием": [
            {"im_id": 1, "tags": "вода"},
            {"im_id": 1},
        ],
        "«ID» — не номер инцидента, а ошибка формулы, число без последних цифр или длинный текст: {source_key}. "
        "Выгрузите столбец текстом": [{"im_id": "#ССЫЛКА!"}, {"im_id": "1E5"}, {"im_id": "a" * 101}],
        "Нет даты создания": [{"created_at": "-"}],
        "«Дата создания» не читается: {created_at}": [{"created_at": "2026-02-30 10:00:00"}],
        "«Общее время первого ответа» не читается: {first_answer_at}": [{"first_answer_at": "вчера"}],
        "«Дата окончания» не читается: {closed_at}": [{"closed_at": "2026-02-06 25:00:00"}],
        "«Время попадания на шаг оценка удовлетворенности» не читается: {satisfaction_step_at}": [
            {"satisfaction_step_at": "06/02/2026"}
        ],
        "Ответ раньше создания: ответ {first_answer_at}, создан {created_at}": [
            {"first_answer_at": "2026-02-02 09:59:59"}
        ],
        "Создан позже, чем выгружено: создан {created_at}": [
            {"created_at": "2026-02-10 08:01:01", "first_answer_at": None, "closed_at": None}
        ],
        "Создан раньше 2020 года, опечатка в дате: {created_at}": [{"created_at": "2006-02-02 10:00:00"}],
        "Ответ позже, чем выгружено": [{"first_answer_at": "2026-02-10 08:01:01"}],
        "«Время с даты создания инцидента до времени первого ответа» не читается": [{"first_answer_elapsed": "долго"}],
        "«Время с даты создания инцидента до времени первого ответа, рабочее время» не читается": [
            {"first_answer_elapsed_working": "1:99:00"}
        ],
        "«Время назначения последнего исполнителя» не читается": [{"last_assigned_at": "сразу"}],
        "«Время 1го ответа ПИ» не читается": [{"executor_first_answer_at": "2026-00-01 10:00:00"}],
        "«Первая реакция с момента назн. ПИ» не читается": [{"executor_reaction_elapsed": "?"}],
        "«Время с начала создания инцидента до окончания» не читается": [{"total_elapsed": "неделя"}],
        "«Время отправки первого ответа ПИ на согласование» не читается": [{"executor_draft_sent_at": 1}],
        "«Время, которое первый ответ ПИ находился на согласовании» не читается": [{"approval_elapsed": "нет"}],
        "Рабочее время первого ответа отрицательно: будет вычислено": [
            {"first_answer_elapsed_working": dt.timedelta(minutes=-5)}
        ],
        "Ответ есть, а рабочего времени первого ответа нет: будет вычислено": [{"first_answer_elapsed_working": None}],
        "Закрыт раньше создания": [{"closed_at": "2026-02-02 09:00:00"}],
        "Нет группы тем": [{"topic_group": None}],
        "Нет темы": [{"topic": "-"}],
        "Нет муниципалитета": [{"municipality": "'"}],
        "Неизвестный шаг": [{"current_step": "Размышление"}],
        "Неизвестный тип инцидента": [{"incident_type": "Странный"}],
        "Неизвестный итог": [{"outcome": "Само прошло"}],
        "Оценка вне 1–5 в «Причине закрытия»: в отчёты не идёт": [{"closing_reason": 10}],
    },
}

# Of a load as a whole: the rows of the file, and what is usual.
LOAD_DEFECTS: dict[str, tuple[Rows, Mapping[str, Any]]] = {
    "Выгрузка пуста: нет ни одной строки": ([], {**USUAL, "rows_at_least": 0}),
    "Строк {observed}, обычно бывает от {rows_at_least} до {rows_at_most}": ([{}], {**USUAL, "rows_at_least": 2}),
    "Новейшее сообщение создано {observed}, по недавним выгрузкам ждали не раньше {newest_at_least}": (
        [{}],
        {**USUAL, "newest_at_least": dt.date(2026, 2, 3)},
    ),
}


class Checker:
    """Writes rows as an export, stages it, asks the gate."""

    def __init__(self, connection: Connection, dsn: str, folder: Path) -> None:
        self._connection = connection
        self._gate = Gate(dsn)
        self._folder = folder
        self._load_id = 0

    def __call__(self, source: str, rows: Rows) -> list[Outcome]:
        query = stage.query(source, self._stage(source, rows))
        return self._gate.validate(suites.path(source), query, "export.xlsx", index=("row_number",))

    def load(self, source: str, rows: Rows, usual: Mapping[str, Any]) -> list[Outcome]:
        query = stage.query_all(source, self._stage(source, rows))
        return self._gate.validate(suites.path("load"), query, "export.xlsx", usual)

    def _stage(self, source: str, rows: Rows) -> int:
        self._load_id += 1
        numbered = [{**SAMPLES[source], KEYS[source]: 1000 + n, **row} for n, row in enumerate(rows)]
        with open_export(write(self._folder / "export.xlsx", source, numbered)) as export:
            lines = map(stage.new_line, export.rows())
            stage.create(self._connection, source, self._load_id, lines, EXPORTED_AT, MOSCOW)
        return self._load_id


@pytest.fixture
def check(warehouse: Connection, warehouse_dsn: str, tmp_path: Path) -> Checker:
    return Checker(warehouse, warehouse_dsn, tmp_path)


def suite(source: str) -> list[dict[str, Any]]:
    expectations: list[dict[str, Any]] = json.loads(suites.path(source).read_text(encoding="utf-8"))["expectations"]
    return expectations


def red(outcomes: list[Outcome]) -> set[str]:
    return {outcome.template for outcome in outcomes if not outcome.is_passed}


@pytest.mark.parametrize("source", DEFECTS)
def test_every_expectation_has_a_defect(source: str) -> None:
    sentences = [expectation["meta"]["sentence"] for expectation in suite(source)]
    assert len(set(sentences)) == len(sentences)
    assert set(sentences) == DEFECTS[source].keys()


def test_every_expectation_of_a_load_has_a_defect() -> None:
    sentences = [expectation["meta"]["sentence"] for expectation in suite("load")]
    assert len(set(sentences)) == len(sentences)
    assert set(sentences) == LOAD_DEFECTS.keys()


@pytest.mark.parametrize("source", DEFECTS)
def test_sound_rows_pass(source: str, check: Checker) -> None:
    at_the_edges: dict[str, Rows] = {
        "pos": [
            {},
            {"received_date": "10.02.2026", "completed_date": "10.02.2026", "planned_date": "10.02.2026"},
            {"rating": 1, "is_fast_track": "Да"},
            {"rating": 5.0, "status": None},
        ],
        "incident": [
            {},
            {"created_at": "2026-02-10 08:01:00", "first_answer_at": "2026-02-10 08:01:00", "closed_at": None},
            {"first_answer_at": None, "first_answer_elapsed_working": None, "closing_reason": None, "outcome": None},
            {"closing_reason": 5, "first_answer_elapsed_working": dt.timedelta(0)},
        ],
    }
    assert red(check(source, at_the_edges[source])) == set()


@pytest.mark.parametrize("source", DEFECTS)
def test_each_defect_turns_its_expectation_red(source: str, check: Checker) -> None:
    for sentence, bad in DEFECTS[source].items():
        outcomes = check(source, [{}, *bad, {}])
        assert red(outcomes) == {sentence}
        (outcome,) = (outcome for outcome in outcomes if not outcome.is_passed)
        bad_rows = set(range(3, 3 + len(bad)))
        assert outcome.rows_failed == len(bad)
        assert set(gate.row_faults(outcomes)) == (bad_rows if outcome.severity == gate.CRITICAL else set()), sentence


@pytest.mark.parametrize("source", DEFECTS)
def test_a_usual_load_passes(source: str, check: Checker) -> None:
    assert red(check.load(source, [{}], USUAL)) == set()


@pytest.mark.parametrize("source", DEFECTS)
@pytest.mark.parametrize("sentence", LOAD_DEFECTS)
def test_each_defect_of_a_load_turns_its_expectation_red(source: str, sentence: str, check: Checker) -> None:
    rows, usual = LOAD_DEFECTS[sentence]
    outcomes = check.load(source, rows, usual)
    observed = "2026-02-02" if "создано" in sentence else len(rows)
    not_even_a_newest = {outcome.template for outcome in outcomes if outcome.column_name and not rows}
    assert red(outcomes) == {sentence.format(observed=observed, **usual)} | not_even_a_newest
    assert gate.row_faults(outcomes) == {}


def test_reasons_show_the_values(check: Checker) -> None:
    outcomes = check("incident", [{"im_id": 7, "first_answer_at": "2026-02-01 10:00:00"}, {"created_at": "никогда"}])
    assert gate.row_faults(outcomes) == {
        2: ["Ответ раньше создания: ответ 2026-02-01 10:00:00, создан 2026-02-02 10:00:00"],
        3: ["«Дата создания» не читается: никогда"],
    }


def test_every_failing_row_is_named_however_many(check: Checker) -> None:
    outcomes = check("pos", [{"received_date": "-"}] * 300 + [{"completed_date": "01.02.2026"}] * 300)
    assert set(gate.row_faults(outcomes)) == set(range(2, 602))
