from __future__ import annotations

import datetime as dt
import random
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from mcu.sources import columns
from mcu.sources.columns import Column, ColumnMap
from mcu.sources.workbook import ExportError, Row, open_export
from tests.workbooks import INCIDENT, POS, write_incidents, write_pos


def only_row(path: Path) -> dict[str, str | None]:
    export = open_export(path)
    (row,) = export.rows()
    return dict(zip(export.fields, row.values, strict=True))


def rows(path: Path) -> list[Row]:
    return list(open_export(path).rows())


def test_the_headers_tell_the_source_not_the_name(tmp_path: Path) -> None:
    assert open_export(write_pos(tmp_path / "Инцидент.xlsx", [{}])).source == "pos"
    assert open_export(write_incidents(tmp_path / "ПОС.xlsx", [{}])).source == "incident"


def test_order_of_columns_changes_nothing(tmp_path: Path) -> None:
    shuffled = list(INCIDENT)
    random.Random(1).shuffle(shuffled)
    straight = rows(write_incidents(tmp_path / "a.xlsx", [{}, {"im_id": 2}]))
    assert rows(write_incidents(tmp_path / "b.xlsx", [{}, {"im_id": 2}], fields=shuffled)) == straight


def test_cells_as_excel_stores_them(tmp_path: Path) -> None:
    cells = {
        "im_id": 123.0,
        "first_answer_elapsed": dt.timedelta(hours=97, milliseconds=1),
        "first_answer_elapsed_working": 0.375,
        "total_elapsed": dt.time(9, 0),
        "approval_elapsed": dt.datetime(1900, 1, 2, 12),
        "created_at": dt.datetime(2026, 2, 2, 10, 0),
        "closed_at": dt.date(2026, 2, 3),
        "message_text": '\'_x0000_ строка\n\t\\N "кавычки" 😀',
        "survey_sent": True,
        "closing_reason": 5,
        "audience": 12000.0,
    }
    path = write_incidents(tmp_path / "a.xlsx", [cells])
    values = only_row(path)
    assert rows(path)[0].source_key == "123"
    assert {field: values[field] for field in cells if field != "im_id"} == {
        "first_answer_elapsed": "97:00:00.001",
        "first_answer_elapsed_working": "9:00:00.000",
        "total_elapsed": "9:00:00.000",
        "approval_elapsed": "60:00:00.000",
        "created_at": "2026-02-02 10:00:00",
        "closed_at": "2026-02-03 00:00:00",
        "message_text": '_x0000_ строка\n\t\\N "кавычки" 😀',
        "survey_sent": "Да",
        "closing_reason": "5",
        "audience": "12000",
    }


def test_seconds_of_a_day_survive_excel(tmp_path: Path) -> None:
    moments = [dt.datetime(2026, 2, 2) + dt.timedelta(seconds=61 * n) for n in range(86_400 // 61)]
    path = write_incidents(tmp_path / "a.xlsx", [{"im_id": n, "created_at": at} for n, at in enumerate(moments)])
    at = open_export(path).fields.index("created_at")
    assert [row.values[at] for row in rows(path)] == [str(moment) for moment in moments]


def test_escaped_nul_of_a_cell_is_gone(tmp_path: Path) -> None:
    marker = "ЗДЕСЬ"
    plain = write_pos(tmp_path / "plain.xlsx", [{"fact": f"до{marker}после"}])
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(tmp_path / "nul.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(marker.encode(), b"_x0000_"))
    assert only_row(tmp_path / "nul.xlsx")["fact"] == "допосле"


def test_row_numbers_are_those_of_excel(tmp_path: Path) -> None:
    path = write_pos(tmp_path / "a.xlsx", [{"pos_number": "1"}, {"pos_number": "2"}], first_row=4)
    assert [row.row_number for row in rows(path)] == [5, 6]


def test_empty_rows_are_no_rows(tmp_path: Path) -> None:
    nothing = dict.fromkeys(POS)
    path = write_pos(
        tmp_path / "a.xlsx", [{"pos_number": "1"}, nothing, {"pos_number": "2"}, nothing, dict.fromkeys(POS, "")]
    )
    assert [(row.row_number, row.source_key) for row in rows(path)] == [(2, "1"), (4, "2")]


def test_row_without_key_is_a_row(tmp_path: Path) -> None:
    (row,) = rows(write_pos(tmp_path / "a.xlsx", [{"pos_number": "-"}]))
    assert row.source_key is None


def test_no_rows_at_all(tmp_path: Path) -> None:
    assert rows(write_pos(tmp_path / "a.xlsx", [])) == []


def test_headers_are_compared_without_their_white_space(tmp_path: Path) -> None:
    path = write_pos(
        tmp_path / "a.xlsx",
        [{}],
        headers={"pos_number": "  Номер\n", "org_current": "Организация,  в которой\nнаходится сообщение"},
    )
    export = open_export(path)
    assert export.unknown == ()
    assert export.missing == ()


def test_headers_may_stand_on_a_later_sheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("О выгрузке").write("A1", "Период: февраль")
        workbook.add_worksheet("Пусто")
        sheet = workbook.add_worksheet("Данные")
        sheet.write_row(0, 0, [column.header for column in columns.load("pos").columns])
        sheet.write_row(1, 0, list(POS.values()))
    assert only_row(path)["category"] == "Дороги"


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    path = write_pos(tmp_path / "a.xlsx", [{"Новый": "'да", "Ещё": "-"}, {"Новый": None}], extra=["Новый", "Ещё"])
    export = open_export(path)
    assert export.unknown == ("Новый", "Ещё")
    assert [row.extra for row in export.rows()] == [{"Новый": "да"}, None]


def test_unknown_columns_of_one_header_or_none_are_all_kept(tmp_path: Path) -> None:
    width = len(POS)
    path = write_pos(
        tmp_path / "a.xlsx",
        [{"x": "1", "y": "2", "z": "3"}],
        extra=["x", "y", "z"],
        headers={"x": "Новый", "y": "Новый", "z": ""},
    )
    (row,) = rows(path)
    assert row.extra == {"Новый": "1", f"Новый (столбец {width + 2})": "2", f"(столбец {width + 3})": "3"}


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    path = write_pos(tmp_path / "a.xlsx", [{}], drop=["fact", "status"])
    export = open_export(path)
    assert set(export.missing) == {"Факт", "Статус"}
    assert only_row(path)["fact"] is None


REQUIRED = [
    (source, column) for source in columns.SOURCES for column in columns.load(source).columns if column.is_required
]


def test_the_needed_columns_are_those_agreed() -> None:
    assert [column.header for source, column in REQUIRED if source == "pos"] == [
        "Номер",
        "Категория",
        "Подкатегория",
        "Организация, в которую поступило сообщение",
        "Организация, в которой находится сообщение",
        "Дата поступления",
        "Дата планируемого завершения работ",
        "Дата фактического завершения работ",
        "Стадия",
        "Фаст-трек",
        "Оценка ответа заявителем",
        "Повторное рассмотрение",
    ]
    assert [column.header for source, column in REQUIRED if source == "incident"] == [
        "ID",
        "Общее время первого ответа",
        "Время с даты создания инцидента до времени первого ответа, рабочее время",
        "Дата создания",
        "Дата окончания",
        "Группа тем",
        "Тема",
        "Муниципалитет",
        "Причина закрытия",
        "Время попадания на шаг оценка удовлетворенности",
    ]


@pytest.mark.parametrize(("source", "column"), REQUIRED, ids=lambda value: getattr(value, "field", value))
def test_without_a_needed_column_the_file_is_refused(tmp_path: Path, source: str, column: Column) -> None:
    write = {"pos": write_pos, "incident": write_incidents}[source]
    path = write(tmp_path / "выгрузка.xlsx", [{}], drop=[column.field])
    with pytest.raises(ExportError) as refusal:
        open_export(path)
    assert refusal.value.source == source
    for part in ("выгрузка.xlsx", "Лист1", f"«{column.header}»", "Выгрузите файл заново"):
        assert part in str(refusal.value)


def test_a_repeated_known_column_is_refused(tmp_path: Path) -> None:
    path = write_pos(tmp_path / "a.xlsx", [{}], fields=[*POS, "stage"])
    with pytest.raises(ExportError, match=r"a\.xlsx: на листе «Лист1» .*«Стадия»"):
        open_export(path)


def test_old_and_new_header_of_one_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pos = columns.load("pos")
    renamed = ColumnMap("pos", (*pos.columns, Column("Этап", "stage", "text", True)))
    monkeypatch.setattr(columns, "load", lambda source: renamed if source == "pos" else ColumnMap(source, ()))
    assert (
        only_row(write_pos(tmp_path / "new.xlsx", [{"stage": "Завершено"}], headers={"stage": "Этап"}))["stage"]
        == "Завершено"
    )
    assert (
        only_row(write_pos(tmp_path / "old.xlsx", [{"stage": "Завершено"}], headers={"stage": "Стадия"}))["stage"]
        == "Завершено"
    )
    with pytest.raises(ExportError, match="«Стадия», «Этап»"):
        open_export(write_pos(tmp_path / "both.xlsx", [{}], headers={"fact": "Стадия", "stage": "Этап"}))
    with pytest.raises(ExportError, match="«Стадия» или «Этап»"):
        open_export(write_pos(tmp_path / "none.xlsx", [{}], drop=["stage"]))


@pytest.mark.parametrize(
    "content", [b"", b"no workbook", b"PK\x03\x04 half a workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100]
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"a\.xlsx: не открывается как книга Excel") as refusal:
        open_export(path)
    assert refusal.value.source is None


def test_half_a_workbook_is_refused(tmp_path: Path) -> None:
    path = write_pos(tmp_path / "a.xlsx", [{}])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ExportError, match="не открывается"):
        open_export(path)


def test_a_workbook_without_known_headers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("Смета").write_row(0, 0, ["Номер", "Сумма"])
    with pytest.raises(ExportError, match=r"a\.xlsx: ни на одном листе \(Смета\)") as refusal:
        open_export(path)
    assert refusal.value.source is None


def digest(tmp_path: Path, cells: dict[str, object], **options: object) -> str:
    (row,) = rows(write_incidents(tmp_path / "a.xlsx", [cells], **options))
    return row.content_hash


def test_what_content_is(tmp_path: Path) -> None:
    usual = digest(tmp_path, {})
    assert digest(tmp_path, {"cabinet": "Другой кабинет"}) == usual
    assert digest(tmp_path, {}, drop=["cabinet"]) == usual
    assert digest(tmp_path, {}, drop=["note"]) == usual, "a column that holds nothing"
    assert digest(tmp_path, {"Новый": "-"}, extra=["Новый"]) == usual
    assert digest(tmp_path, {"created_at": dt.datetime(2026, 2, 2, 10)}) == usual, "the same value in another form"
    assert digest(tmp_path, {"outcome": "Разъяснено"}) != usual
    assert digest(tmp_path, {"Новый": "1"}, extra=["Новый"]) != usual
    assert digest(tmp_path, {"outcome": None}) != usual
    assert digest(tmp_path, {"street": "а", "house": None}) != digest(tmp_path, {"street": None, "house": "а"})
