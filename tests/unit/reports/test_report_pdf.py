from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from mcu.reports import pdf
from mcu.reports.document import Cell, Column, Document, Table, Tiles, Words
from mcu.reports.format import one_line
from tests.report_forms import page_texts, pages, pdf_difference, squeezed
from tests.unit.reports import made_up_document as made_up
from tests.unit.reports.made_up_document import counts, document, number

LONG = [text for text in made_up.HOSTILE if len(text) >= 4_000]
SHORT = [text for text in made_up.HOSTILE if text not in LONG]


def test_every_line_is_shown_in_order_and_nothing_else() -> None:
    assert pdf_difference(document(), pdf.render(document())) is None


@pytest.mark.parametrize("place", [0, 1, 3, 4])  # the third is a picture, which has no numbers
def test_a_wrong_number_is_seen(place: int) -> None:
    right, wrong = document(), document()
    _, first = next(replace(right, sentences=[], blocks=[right.blocks[place]]).numbers())
    blocks = [_with_another(block, first.value) if block is wrong.blocks[place] else block for block in wrong.blocks]
    assert pdf_difference(right, pdf.render(replace(wrong, blocks=blocks))) is not None


def _with_another(block: Any, value: Any) -> Any:
    """The block with a number one greater wherever it was `value`."""
    if isinstance(block, Tiles):
        first, *rest = block.items
        return Tiles([replace(first, number=number(first.number.column, value + 1)), *rest])
    if isinstance(block, Words):
        return replace(block, lines=[_line(line, value) for line in block.lines])
    return replace(block, rows=[[replace(cell, line=_line(cell.line, value)) for cell in row] for row in block.rows])


def _line(line: Any, value: Any) -> Any:
    return tuple(number(piece.column, value + 1) if getattr(piece, "value", None) == value else piece for piece in line)


def test_what_stands_around_the_blocks() -> None:
    text = "".join(page_texts(pdf.render(document())))
    expected = (
        "Недельный отчёт · обращения жителей Ростовская область 16–22 ноября 2026 Данные на 23.11.2026 06:00.",
        "Выгрузки: ПОС — 23.11.2026 06:00; Инцидент Менеджмент — нет данных",
        "Данные неполные: выгрузка Инцидент Менеджмента старше двух дней.",
        "Как читать. «Поступило» — создано за период; «отвечено» — первый ответ дан за период.",
        "Качество данных, ПОС: строк прочитано 98 765.",
    )
    places = [text.index(squeezed(part)) for part in expected]
    assert places == sorted(places)


def test_a_table_for_the_workbook_is_left_out() -> None:
    text = "".join(page_texts(pdf.render(document())))
    assert "Районыподоле" in text
    assert "Всетемыподоле" not in text


def test_pages_are_numbered_and_carry_name_and_dates() -> None:
    texts = page_texts(pdf.render(document(counts(60))))
    assert len(texts) > 1
    for place, text in enumerate(texts, start=1):
        assert text.endswith(f"Ростовскаяобласть·16–22ноября2026стр.{place}из{len(texts)}")


def test_the_header_of_a_table_is_on_each_of_its_pages() -> None:
    texts = page_texts(pdf.render(document(counts(60))))
    assert all(text.count("Муниципалитет") == 1 for text in texts if "Аксайскийрайон" in text)
    assert sum("Муниципалитет" in text for text in texts) > 1


def test_rows_stay_whole() -> None:
    texts = page_texts(pdf.render(document(counts(60))))
    for place in range(60):
        received = f"10{7 + place * 13:03}"
        assert [text.count(received) for text in texts if received in text] == [2]  # its line and the line below


def test_a_title_is_never_left_alone() -> None:
    table = counts(3, texts=["Начало", "Второй", "Третий"])
    for block in (table, Words("Заголовок", [("Начало",)], ("Примечание",))):
        for lines in range(18, 58, 2):
            filler = Words("", [("Строка",)] * lines)
            texts = page_texts(pdf.render(document(filler, block)))
            assert ["Начало" in text for text in texts] == [squeezed(block.title) in text for text in texts]


@pytest.mark.parametrize("text", SHORT)
def test_text_from_data_stays_text(text: str) -> None:
    hostile = _full_of(text)
    content = pdf.render(hostile)
    assert pdf_difference(hostile, content) is None
    shown = squeezed(one_line(text))
    assert "".join(page_texts(content)).count(shown) >= len(_places(hostile))
    metadata = PdfReader(BytesIO(content)).metadata
    assert metadata is not None
    assert metadata.title == one_line(text)


@pytest.mark.parametrize(("text", "part"), [*zip(LONG, ("Ж", "слово"), strict=True)])
def test_long_text_goes_on_on_the_next_pages(text: str, part: str) -> None:
    table = Table("Т", "Т", [Column("а", is_text=True), Column("б", is_text=True)], [[Cell((text,)), Cell((text,))]])
    texts = page_texts(pdf.render(document(table)))
    assert len(texts) > 1
    assert "".join(texts).count(part) == 2 * text.count(part)


def test_long_text_may_stand_anywhere() -> None:
    assert pdf.render(_full_of("Ж" * 5_000))


def _full_of(text: str) -> Document:
    table = Table(
        name="Т",
        title=text,
        columns=[Column(text, is_text=True), Column(text)],
        rows=[[Cell((text,), below=((text,),)), Cell((text,), tone="red")]],
        note=(text,),
    )
    words = Words(text, [(text,), (text,)], note=(text,))
    changes = dict.fromkeys(("subject", "heading", "name", "dates", "definitions"), text)
    return document(
        words,
        replace(made_up.picture(), title=text, alt=text, note=(text,)),
        table,
        **changes,
        warnings=[text],
        sentences=[(text,)],
        quality=[(text, (text,))],
        freshness=[(text, None)],
    )


def _places(hostile: Document) -> list[str]:
    """Where `_full_of` put its text: all lines, and what stands around them."""
    lines = [hostile.text(line) for line in hostile.shown_lines()]
    titles = ["heading", "name", "dates", "definitions", "warning", "source", "quality", "words", "picture", "table"]
    return [*lines, *titles, "first column", "second column"]


def test_the_picture_is_whole() -> None:
    content = pdf.render(document(made_up.picture()))
    (shown,) = (image.image for page in pages(content) for image in page.images)
    assert shown is not None
    drawn = Image.open(BytesIO(made_up.picture().png)).convert("RGB")
    assert shown.convert("RGB").tobytes() == drawn.tobytes()


def test_pictures_of_one_name_are_not_mixed_up() -> None:
    other = replace(made_up.picture(), draw=lambda: _png(40, 30))
    for picture, size in ((made_up.picture(), (1_200, 725)), (other, (40, 30))):
        (shown,) = (image.image for page in pages(pdf.render(document(picture))) for image in page.images)
        assert shown is not None
        assert shown.size == size


def test_a_tall_picture_stays_on_its_page() -> None:
    assert len(pages(pdf.render(document(replace(made_up.picture(), draw=lambda: _png(1_200, 4_000)))))) == 1


def _png(width: int, height: int) -> bytes:
    target = BytesIO()
    Image.new("RGB", (width, height), "navy").save(target, format="png")
    return target.getvalue()


def test_what_is_no_png_is_refused() -> None:
    with pytest.raises(ValueError, match="picture trend is no PNG"):
        pdf.render(document(replace(made_up.picture(), draw=lambda: b"<svg/>")))


def test_letters_are_of_the_fonts_that_are_shipped() -> None:
    names = {
        font.get_object()["/BaseFont"].split("+")[1]
        for page in pages(pdf.render(document()))
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert names == {"DejaVuSans", "DejaVuSans-Bold"}


def test_equal_documents_give_equal_bytes() -> None:
    once = pdf.render(document())
    pdf._fonts.cache_clear()
    assert pdf.render(document()) == once


def test_properties() -> None:
    reader = PdfReader(BytesIO(pdf.render(document())))
    assert reader.metadata is not None
    assert reader.metadata.title == document().subject
    assert {"/Author", "/Keywords", "/Subject"}.isdisjoint(reader.metadata)
    assert reader.metadata.creation_date == made_up.EXPORTED_AT
    assert str(reader.root_object["/Lang"]) == "ru"
    width, height = (float(side) / 72 * 25.4 for side in reader.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (210, 297)
