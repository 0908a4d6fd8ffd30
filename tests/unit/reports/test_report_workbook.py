from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.workbook import Workbook
from xlsxwriter.exceptions import DuplicateWorksheetName, InvalidWorksheetName

from mcu.reports import format, workbook
from mcu.reports.document import Cell, Column, Document, Number, Piece, Table, Tiles, piece_text
from tests.report_forms import active_parts
from tests.unit.reports import made_up_document as made_up
from tests.unit.reports.made_up_document import counts, document, number


def opened(document: Document) -> Workbook:
    return openpyxl.load_workbook(BytesIO(workbook.render(document)))


def cells(book: Workbook, sheet: str) -> Iterator[SheetCell]:
    return (cell for row in book[sheet].iter_rows() for cell in row if isinstance(cell, SheetCell))


def column_of(*values: Piece | None) -> Table:
    """A sheet «Т» of one column."""
    return Table("Т", "Т", [Column("Столбец")], [[Cell(("показано",), values=(value,))] for value in values])


def test_sheets_in_order() -> None:
    assert opened(document()).sheetnames == ["Сводка", "Районы", "Просроченные", "Все темы", "Как читать"]


def test_summary_says_what_stands_above_everything() -> None:
    rows = [row for row in opened(document())["Сводка"].values if any(value is not None for value in row)]
    assert rows == [
        ("Недельный отчёт · обращения жителей", None, None),
        ("Ростовская область", None, None),
        ("16–22 ноября 2026", None, None),
        ("Данные на", datetime(2026, 11, 23, 6), None),
        ("Выгрузка: ПОС", datetime(2026, 11, 23, 6), None),
        ("Выгрузка: Инцидент Менеджмент", "нет данных", None),
        ("Данные неполные: выгрузка Инцидент Менеджмента старше двух дней.", None, None),
        ("За неделю поступило 1\N{NO-BREAK SPACE}234 сообщения.", None, None),
        ("Первый ответ дан на 1\N{NO-BREAK SPACE}100.", None, None),
        ("Поступило", 1234, "+120 к прошлой неделе"),
        ("Доля в срок", 0.1 + 0.2, "за месяц — 93,4\N{NO-BREAK SPACE}%"),
        ("Половина ответов быстрее", 3205, None),
        ("Оценка", None, "Оценок мало"),
        ("Что изменилось", None, None),
        ("Выросшие темы", None, None),
        ("Тема «Ямы»: 41 за неделю.", None, None),
    ]


def test_last_sheet_tells_how_to_read() -> None:
    note = "Сортировка: красная, жёлтая, зелёная зона."
    assert list(opened(document())["Как читать"].values) == [
        ("Определения", "«Поступило» — создано за период; «отвечено» — первый ответ дан за период."),
        ("Лист «Районы»", note),
        ("Лист «Все темы»", note),
        ("Качество данных, ПОС", "строк прочитано 98\N{NO-BREAK SPACE}765."),
    ]


def test_every_number_is_in_its_cell_exactly() -> None:
    made = document()
    book, compared = opened(made), 0
    for table in (block for block in made.blocks if isinstance(block, Table)):
        for place, row in enumerate(table.rows, start=2):
            shown = [cell.value for cell in book[table.name][place]]
            for value, piece in zip(shown, workbook._values(table, row), strict=True):
                if isinstance(piece, Number) and piece.value is not None:
                    assert type(value) in (int, float)
                    assert value == piece.value
                    compared += 1
                elif piece is None or isinstance(piece, Number):
                    assert value is None
    assert compared == (5 * 6 - 1) + 1 + (7 * 6 - 1)
    tiles = [tile.number.value for block in made.blocks if isinstance(block, Tiles) for tile in block.items]
    assert {tile for tile in tiles if tile is not None} <= {cell.value for cell in cells(book, "Сводка")}


@pytest.mark.parametrize(
    "value", [0, -3, 10**9, 0.1 + 0.2, 1 / 3, 2 / 3, 0.9090909090909091, 1e-9, -12.5, 123456.78901]
)
def test_no_digit_is_lost(value: float) -> None:
    (cell,) = (cell for cell in cells(opened(document(column_of(number("on_time_share", value)))), "Т") if cell.row > 1)
    assert (cell.value, cell.data_type) == (value, "n")


@pytest.mark.parametrize(
    ("column", "shown_as"),
    [
        ("received", "#,##0"),
        ("received_delta", "+#,##0;-#,##0;0"),
        ("received_delta_pct", '+#,##0"%";-#,##0"%";0"%"'),
        ("on_time_share", "0.0%"),
        ("share_of_received", "0.0%"),
        ("median_first_answer_minutes", '#,##0" мин"'),
        ("received_per_10k", "#,##0.0"),
    ],
)
def test_number_formats(column: str, shown_as: str) -> None:
    assert opened(document(column_of(number(column, 12))))["Т"]["A2"].number_format == shown_as


def test_every_way_to_show_a_number_has_a_format() -> None:
    assert set(workbook.NUMBERS) == {format.integer, *(form for _, form in format._BY_ENDING)}


def test_dates_are_dates_of_the_region() -> None:
    sheet = opened(document())["Просроченные"]
    assert (sheet["E2"].value, sheet["E2"].number_format) == (datetime(2026, 11, 21, 0, 5), "dd.mm.yyyy hh:mm")
    assert (sheet["F2"].value, sheet["F2"].number_format) == (datetime(2026, 11, 22), "dd.mm.yyyy")
    assert sheet["E3"].value is None


def test_headers_stay_and_filter() -> None:
    sheet = opened(document())["Районы"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G6"
    assert [cell.value for cell in sheet[1]] == [
        *("Муниципалитет", "Поступило", "К прошлой неделе", "К прошлой неделе, %"),
        *("Доля в срок", "Медиана до первого ответа", "На 10 тысяч жителей"),
    ]
    assert all(cell.font.b and cell.alignment.wrap_text for cell in sheet[1])


@pytest.mark.parametrize("text", made_up.HOSTILE)
def test_text_from_data_stays_text(text: str) -> None:
    hostile = document(
        Table("Т", text, [Column(text)], [[Cell((text,))]], note=(text,)),
        **dict.fromkeys(("subject", "heading", "name", "dates", "definitions"), text),
        warnings=[text],
        sentences=[(text,)],
        quality=[(text, (text,))],
    )
    book = opened(hostile)
    expected = piece_text(text, made_up.MOSCOW)
    shown = [cell for name in book.sheetnames for cell in cells(book, name) if _read(cell) == expected]
    assert len(shown) == 11
    assert {cell.data_type for cell in shown} == {"s"}


def _read(cell: SheetCell) -> str:
    """As Excel reads it: «_x005F_» is an escaped «_»; openpyxl leaves it. The space keeps «<r>…</r>» from being XML."""
    return str(cell.value).replace("_x005F_", "_").removesuffix(" " if str(cell.value).startswith("<r>") else "")


def test_no_cell_is_a_formula_or_a_link() -> None:
    hostile = document(counts(len(made_up.HOSTILE), texts=made_up.HOSTILE))
    assert active_parts(workbook.render(hostile)) == []


@pytest.mark.parametrize("write", ["write_formula", "write_url"])
def test_a_formula_or_a_link_would_be_seen(write: str) -> None:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        getattr(book.add_worksheet(), write)(0, 0, {"write_formula": "=1+1", "write_url": "http://x"}[write])
    assert active_parts(target.getvalue()) != []


def test_text_is_cut_where_excel_would_refuse_the_file() -> None:
    text = opened(document(column_of("слово " * 10_000)))["Т"]["A2"].value
    assert 32_700 < len(text) <= 32_767
    assert text.endswith("слово…")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Т" * 32, InvalidWorksheetName),
        ("а/б", InvalidWorksheetName),
        ("'Т'", InvalidWorksheetName),
        ("Сводка", DuplicateWorksheetName),
        ("как читать", DuplicateWorksheetName),
    ],
)
def test_a_name_that_excel_does_not_take_is_an_error(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        workbook.render(document(counts(1, name)))


def test_a_name_that_stands_twice_is_an_error() -> None:
    with pytest.raises(DuplicateWorksheetName):
        workbook.render(document(counts(1), counts(2)))


def test_more_values_than_titles_are_an_error() -> None:
    table = Table("Т", "Т", [Column("Столбец")], [[Cell(("а",), values=("а", "б"))]])
    with pytest.raises(ValueError, match="Т: a cell of «Столбец» has more values than titles"):
        workbook.render(document(table))


def test_a_row_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        workbook.render(document(Table("Т", "Т", [Column("а"), Column("б")], [[Cell(("а",))]])))


def test_a_table_without_rows_has_its_header() -> None:
    assert list(opened(document(column_of()))["Т"].values) == [("Столбец",)]


def test_equal_documents_give_equal_bytes() -> None:
    content = workbook.render(document())
    assert content == workbook.render(document())
    assert {item.date_time for item in zipfile.ZipFile(BytesIO(content)).infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert opened(document()).properties.created.replace(tzinfo=UTC) == made_up.EXPORTED_AT
