"""The corpus of broken, hostile and merely odd exports, and what becomes of each: see docs/broken_exports.md."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcu.sources import columns
from tests.packages import (
    BOOK,
    MAIN,
    RELATIONS,
    SHEET,
    STRINGS,
    STYLES,
    Parts,
    book,
    cell,
    data,
    header,
    patch_directory,
    raw_text,
    relations,
    row,
    styles,
    text,
    worksheet,
    write_package,
)
from tests.workbooks import POS, write_incidents, write_pos

Write = Callable[[Path, int], object]  # a file at the path, its keys from the number on

REFUSED, QUARANTINED, WARNED, LOADED, PASSED_OVER = "refused", "quarantined", "loaded, warning", "loaded", "passed over"

LONGEST = 32_767  # characters of a cell, as in Excel
EXPORTED = "2026-02-10_08-00"


@dataclass(frozen=True)
class Case:
    """A file and what becomes of it.

    `wrong`, `happens`, `message`: as in the docs; the message is a part of the error, of the reason of each
    quarantined row or of the warning. `rows`: Excel's numbers of the data rows, of which some are `quarantined` or
    say again what another says. `stored`: fields of the first row that is in raw. `source`: as in the ledger.
    """

    wrong: str
    happens: str
    message: str
    write: Write
    source: str = "pos"
    rows: Sequence[int] = ()
    quarantined: Sequence[int] = ()
    repeated: Sequence[int] = ()
    stored: Mapping[str, str | None] = field(default_factory=dict)
    name: str = ""

    def path(self, inbox: Path, number: int) -> Path:
        return inbox / (self.name or f"{number:03} {EXPORTED}.xlsx")


def refused(wrong: str, message: str, write: Write, source: str = "unknown") -> Case:
    return Case(wrong, REFUSED, message, write, source)


def quarantined(wrong: str, message: str, write: Write, source: str = "pos", rows: Sequence[int] = (2,)) -> Case:
    """All rows but the last go to quarantine; the last one is sound, so that it is seen to be loaded."""
    return Case(wrong, QUARANTINED, message, write, source, (*rows, rows[-1] + 1), rows)


def loaded(wrong: str, write: Write, source: str = "pos", rows: Sequence[int] = (2,), **options: Any) -> Case:
    return Case(wrong, LOADED, "", write, source, rows, **options)


def warned(wrong: str, message: str, write: Write, source: str = "pos", rows: Sequence[int] = (2,)) -> Case:
    return Case(wrong, WARNED, message, write, source, rows)


# Ways to write --------------------------------------------------------------------------------


def content(what: bytes) -> Write:
    return lambda path, _: path.write_bytes(what)


def pos(*rows: Mapping[str, object], **options: Any) -> Write:
    """A ПОС export of these rows over the sample; keys of those without one count from the file's first."""
    return lambda path, key: write_pos(path, [{"pos_number": str(key + n), **r} for n, r in enumerate(rows)], **options)


def incidents(*rows: Mapping[str, object], **options: Any) -> Write:
    return lambda path, key: write_incidents(path, [{"im_id": key + n, **r} for n, r in enumerate(rows)], **options)


def changed(write: Write, change: Callable[[bytes], bytes]) -> Write:
    """The file of another way, its bytes changed."""

    def write_changed(path: Path, key: int) -> None:
        write(path, key)
        path.write_bytes(change(path.read_bytes()))

    return write_changed


def sheet(*rows: str | Callable[[int], str], parts: Parts | None = None, source: str = "pos", **options: Any) -> Write:
    """A package with the headers and these rows; a row that depends on the file's first key is a function of it."""

    def write(path: Path, key: int) -> None:
        inside = [one if isinstance(one, str) else one(key) for one in rows]
        write_package(path, worksheet(header(source), *inside), parts, **options)

    return write


def sound(number: int = 2, **cells: str) -> Callable[[int], str]:
    """A row of the sample, its key the file's first plus its number."""
    return lambda key: data(number, key + number, **cells)


def incident(number: int = 2, **cells: str) -> Callable[[int], str]:
    return lambda key: data(number, key + number, "incident", **cells)


def edited(old: str, new: str, *rows: str | Callable[[int], str], part: str = SHEET, **options: Any) -> Write:
    """The package of `sheet` with some text of one part replaced, after it was written."""

    def write(path: Path, key: int) -> None:
        sheet(*(rows or (sound(),)), **options)(path, key)
        with zipfile.ZipFile(path) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        assert old.encode() in parts[part]
        parts[part] = parts[part].replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            for name, inside in parts.items():
                package.writestr(name, inside)

    return write


def directory(*changes: tuple[str, str, int], **options: Any) -> Write:
    """A package whose directory tells lies."""

    def write(path: Path, key: int) -> None:
        sheet(sound(), **options)(path, key)
        for part, what, value in changes:
            patch_directory(path, part, what, value)

    return write


def archive(**parts: str | bytes) -> Write:
    """A zip that is no workbook."""

    def write(path: Path, _: int) -> None:
        with zipfile.ZipFile(path, "w") as package:
            for name, inside in parts.items():
                package.writestr(name.replace("__", "/").replace("_dot_", "."), inside)

    return write


def twice_in_the_archive(path: Path, key: int) -> None:
    sheet(sound())(path, key)
    with zipfile.ZipFile(path, "a") as package, _silent():
        package.writestr(SHEET.upper(), worksheet(header(), sound()(key)))


def _silent() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")


def compound_file(*streams: str) -> bytes:
    """The beginning of a compound file (.doc, .xls, what is encrypted), its directory far from beginning and end."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    head[30:32] = (9).to_bytes(2, "little")
    head[48:52] = (400).to_bytes(4, "little")
    names = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *streams))
    return bytes(head) + bytes(400 * 512) + names.ljust(512, b"\0") + bytes(600 * 512)


def noise(length: int, seed: int = 1) -> str:
    """A text that does not compress."""
    return "".join(random.Random(seed).choices("абвгдежзиклмнопрстуфхцчшщыэюя0123456789", k=length))


def with_numbers(path: Path, key: int) -> None:
    """All rows of the day, in the workbook's 1904 calendar."""
    parts = {
        STYLES: styles("dd.mm.yyyy"),
        BOOK: book('<sheet name="Лист1" sheetId="1" r:id="sheet"/>', "<workbookPr date1904='1'/>"),
    }
    sheet(sound(received_date=cell("44593", style=1)), parts=parts)(path, key)


def strict(path: Path, key: int) -> None:
    """As Excel saves «Strict Open XML»: other namespaces, dates by ISO 8601."""
    sheet(sound(received_date=cell("2026-02-02T00:00:00", "d")))(path, key)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with zipfile.ZipFile(path, "w") as package:
        for name, inside in parts.items():
            if name != "[Content_Types].xml":
                inside = inside.replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                ).replace(RELATIONS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
            package.writestr(name, inside)


def prefixed(path: Path, key: int) -> None:
    inside = worksheet(header(), sound()(key)).replace(MAIN, MAIN.replace("xmlns", "xmlns:x"))
    inside = inside.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    write_package(path, inside)


def two_sheets(path: Path, key: int) -> None:
    sheets = '<sheet name="Январь" sheetId="1" r:id="sheet"/><sheet name="Февраль" sheetId="2" r:id="second"/>'
    parts = {
        BOOK: book(sheets),
        "xl/_rels/workbook.xml.rels": relations(sheet=("worksheet", "sheet1.xml"), second=("worksheet", "sheet2.xml")),
        "xl/sheet2.xml": worksheet(header(), sound(3)(key)),
    }
    sheet(sound(), parts=parts)(path, key)


def without_headers(path: Path, key: int) -> None:
    write_package(path, worksheet(sound()(key)))


def headers_in(number: int) -> Write:
    return lambda path, key: write_package(path, worksheet(header(number=number), data(number + 1, key)))


def wide(width: int) -> Write:
    """A row of sound cells and others up to the column of this number."""

    def write(path: Path, key: int) -> None:
        more = "".join("<c><v>1</v></c>" for _ in range(width - len(POS)))
        write_package(path, worksheet(header(), sound()(key).replace("</row>", f"{more}</row>")))

    return write


def shared(value: str, *strings: str, parts: Parts | None = None) -> Write:
    """A row whose «Факт» is the shared string of this index."""
    table = f"<sst {MAIN}>{''.join(strings)}</sst>"
    return sheet(sound(fact=f'<c {{}} t="s"><v>{value}</v></c>'), parts={STRINGS: table, **(parts or {})})


def fact(xml: str) -> Write:
    return sheet(sound(fact=raw_text(xml)))


def spoilt_key(written: str) -> Write:
    return sheet(lambda _: data(2, "", pos_number=written), sound(3))


ENCODED = worksheet(header(), data(2, 1))
XXE = '<!DOCTYPE worksheet [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    "<!DOCTYPE sst [<!ENTITY a0 'ха'>"
    + "".join(f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(9))
    + f"]><sst {MAIN}><si><t>&a9;</t></si></sst>"
)
MANY_SHEETS = "".join(f'<sheet name="Лист{n}" sheetId="{n}" r:id="sheet"/>' for n in range(1, 1003))
HTML = "<html><head><meta charset='utf-8'></head><table><tr><td>Номер</td></tr></table></html>"
SCRIPT = "<script>alert(1)</script>"
SQL = "x'); drop table raw.pos_message; --"
JINJA = "{{ 7 * 7 }} {% raw %} {# #} ${7*7} %(x)s {fact}"

CUT_OFF = "файл записан не до конца (у архива нет конца)"
SPOILT = "«Номер» — не номер сообщения, а ошибка формулы, число без последних цифр или длинный текст: "

CASES: list[Case] = [
    # Files that are no workbook
    refused("nothing in it", CUT_OFF, content(b"")),
    refused("cut off", CUT_OFF, changed(pos({}), lambda whole: whole[:-200])),
    refused("bytes gone in the middle", "архив повреждён", changed(pos({}), lambda whole: whole[:99] + whole[3000:])),
    refused(
        "encrypted with a password",
        "книга зашифрована паролем. Снимите пароль",
        content(compound_file("EncryptedPackage")),
    ),
    refused("zip entries with a password", "архив защищён паролем", directory((SHEET, "flags", 1))),
    refused("old .xls", "это старая книга Excel (.xls) под чужим именем", content(compound_file("Workbook"))),
    refused(
        ".xlsb",
        "это двоичная книга Excel (.xlsb)",
        edited("workbook.xml", "workbook.bin", part="_rels/.rels", parts={"xl/workbook.bin": b"\x83\x01"}),
    ),
    refused(
        ".ods", "это таблица OpenDocument (.ods)", archive(mimetype="application/vnd.oasis.opendocument.spreadsheet")
    ),
    refused(
        "a Word document",
        "это не книга Excel, а другой архив",
        archive(**{"_rels__.rels": relations(d=("officeDocument", "word/document.xml")), "word__document.xml": ""}),
    ),
    refused("any other zip", "это не книга Excel, а другой архив", archive(readme="")),
    refused("HTML", "это страница HTML", content(HTML.encode())),
    refused("XML", "это файл XML", content(b"<?xml version='1.0'?><Workbook/>")),
    refused("CSV", "похоже на текст CSV", content("Номер;Стадия\n1;Завершено\n".encode())),
    refused("text in UTF-16", "это текст в кодировке UTF-16", content("Номер\tСтадия\n".encode("utf-16"))),
    refused("PDF", "это не архив ZIP", content(b"%PDF-1.7\n")),
    # Archives that are not safe to unpack
    refused(
        "zip bomb",
        "книга распаковывается в 6.0 ГиБ, больше 4 ГиБ не читается",
        directory((SHEET, "size", 3 << 30), (STRINGS, "size", 3 << 30)),
    ),
    refused(
        "more in a part than the directory says",
        "часть xl/sheet1.xml повреждена (Bad CRC-32",
        directory((SHEET, "size", 3000)),
    ),
    refused("overlapping parts", "части архива наложены друг на друга", directory((STRINGS, "offset", 1))),
    refused("a part behind the end of the file", "лежит за концом файла", directory((SHEET, "offset", 1 << 30))),
    refused("two parts of one name", "в архиве две части с одним именем", twice_in_the_archive),
    refused(
        "unusual compression", "сжата способом, которого в книгах Excel нет", sheet(sound(), method=zipfile.ZIP_LZMA)
    ),
    refused(
        "DOCTYPE with an external entity",
        "часть xl/sheet1.xml содержит DOCTYPE",
        edited("<worksheet", f"{XXE}<worksheet"),
    ),
    refused(
        "entities that unfold (billion laughs)",
        "часть xl/strings.xml содержит DOCTYPE",
        lambda path, key: write_package(
            path,
            worksheet(header().replace('t="inlineStr"><is><t>Номер</t></is>', 't="s"><v>0</v>')),
            {STRINGS: LAUGHS},
        ),
    ),
    refused("a row of more than 16 MiB", "следующая строка больше 16 МиБ", fact("а" * (9 << 20)), "pos"),
    refused(
        "an endless row whose end tags are hidden",
        "строка больше 16 МиБ",
        fact(f"<![CDATA[{f'{noise(50)}</row>' * (200 << 10)}]]>"),
        "pos",
    ),
    refused("elements nested deep", "элементы вложены глубже 100", fact("<a>" * 101 + "</a>" * 101), "pos"),
    refused(
        "styles of more than 8 MiB",
        "часть xl/styles.xml больше 8 МиБ",
        sheet(sound(), parts={STYLES: styles(" " * (9 << 20))}),
    ),
    refused("1,002 sheets", "в книге больше 1000 листов", sheet(sound(), parts={BOOK: book(MANY_SHEETS)})),
    # Damaged workbooks
    refused(
        "a byte of the sheet changed",
        "лист «Лист1», после строки 0: часть xl/sheet1.xml повреждена (Bad CRC-32",
        changed(sheet(sound(), method=zipfile.ZIP_STORED), lambda whole: whole.replace("Яма".encode(), "Ямы".encode())),
    ),
    refused(
        "a sheet that breaks off",
        "лист «Лист1», после строки 2: лист обрывается",
        edited("</sheetData></worksheet>", ""),
        "pos",
    ),
    refused(
        "a tag that is not closed",
        "лист «Лист1», после строки 1: часть xl/sheet1.xml повреждена (mismatched tag",
        edited("</t></is></c></row></sheetData>", "</c></row></sheetData>"),
        "pos",
    ),
    refused("a sheet that is named but not there", "в книге нет части xl/sheet1.xml", sheet(parts={SHEET: None})),
    refused(
        "a sheet that nothing points to",
        "в книге нет листа «Лист1»",
        sheet(parts={"xl/_rels/workbook.xml.rels": relations()}),
    ),
    refused(
        "a shared string that is not there",
        "лист «Лист1», строка 2: ячейка столбца G ссылается на общую строку 7",
        shared("7"),
        "pos",
    ),
    refused(
        "shared strings that are named but not there",
        "в книге нет части xl/strings.xml",
        shared("0", parts={STRINGS: None}),
        "pos",
    ),
    refused(
        "rows out of order",
        "лист «Лист1», после строки 3: у следующей строки номер 2",
        sheet(sound(3), sound(2)),
        "pos",
    ),
    refused(
        "a row number twice",
        "лист «Лист1», после строки 2: у следующей строки номер 2",
        sheet(sound(2), sound(2)),
        "pos",
    ),
    refused("a row number that Excel does not have", "у следующей строки номер 1048577", sheet(sound(1048577)), "pos"),
    refused(
        "one column twice in a row",
        "лист «Лист1», строка 2: столбец A стоит в строке больше одного раза",
        edited('r="B2"', 'r="A2"'),
        "pos",
    ),
    refused(
        "one column twice in the headers",
        "лист «Лист1», столбец A стоит в строке больше одного раза",
        edited('<c r="A1"', '<c r="A1"/><c r="A1"'),
    ),
    refused("an address that is none", "у ячейки адрес «2A»", edited('r="A2"', 'r="2A"'), "pos"),
    refused("16,385 columns", "столбцов больше 16384", wide(16_385), "pos"),
    refused(
        "a part in UTF-16",
        "часть xl/sheet1.xml записана в кодировке UTF-16",
        sheet(parts={SHEET: ENCODED.encode("utf-16")}),
    ),
    refused(
        "a part in windows-1251",
        "часть xl/sheet1.xml записана в кодировке windows-1251",
        sheet(parts={SHEET: f"<?xml version='1.0' encoding='windows-1251'?>{ENCODED}".encode("cp1251")}),
    ),
    # Workbooks that are no export
    refused(
        "an empty workbook",
        "ни на одном листе (Лист1) в первых 20 строках нет заголовков выгрузки",
        lambda path, _: write_package(path, worksheet()),
    ),
    refused("no headers", "ни на одном листе (Лист1) в первых 20 строках нет заголовков выгрузки", without_headers),
    refused(
        "headers in row 21", "ни на одном листе (Лист1) в первых 20 строках нет заголовков выгрузки", headers_in(21)
    ),
    refused(
        "a needed column is missing",
        "на листе «Лист1» нет обязательных столбцов: «Номер», «Стадия»",
        pos({}, drop=["pos_number", "stage"]),
        "pos",
    ),
    refused(
        "a needed column is renamed",
        "на листе «Лист1» нет обязательных столбцов: «Дата создания»",
        incidents({}, headers={"created_at": "Создано"}),
        "incident",
    ),
    refused(
        "a known header twice",
        "на листе «Лист1» один и тот же столбец стоит больше одного раза: «Стадия»",
        pos({}, headers={"status": "Стадия"}),
        "pos",
    ),
    refused(
        "exports on two sheets", "заголовки выгрузки стоят на нескольких листах: «Январь», «Февраль»", two_sheets, "pos"
    ),
    # Rows that cannot be used
    quarantined("no key", "Нет номера сообщения", pos({"pos_number": "-"}, {})),
    quarantined("a row of totals", "Нет номера сообщения", pos({**dict.fromkeys(POS), "epgu_number": "Итого: 17"}, {})),
    quarantined("an error of Excel as key", SPOILT + "#N/A", spoilt_key(cell("#N/A", "e"))),
    quarantined("a key in scientific notation", SPOILT + "3,27442E+08", spoilt_key(text("3,27442E+08"))),
    quarantined(
        "a key of more than 15 digits as number",
        SPOILT + "1.23456789012346E+18",
        spoilt_key(cell("1234567890123456789")),
    ),
    quarantined("a key of 32,767 characters", SPOILT, spoilt_key(text(noise(LONGEST)))),
    quarantined(
        "a key twice, contents differ",
        "стоит в файле несколько раз с разным содержанием",
        lambda path, key: pos({"pos_number": f"{key}"}, {"pos_number": f"{key}", "fact": "Иное"}, {})(path, key),
        rows=(2, 3),
    ),
    quarantined(
        "the headers again among the rows",
        "«Дата поступления» не читается: Дата поступления",
        sheet(header(number=2), sound(3)),
    ),
    quarantined(
        "a date that no calendar has",
        "«Дата поступления» не читается: 31.02.2026",
        pos({"received_date": "31.02.2026"}, {}),
    ),
    quarantined(
        "a date of another millennium",
        "«Дата поступления» не читается: 02.02.1026",
        pos({"received_date": "02.02.1026"}, {}),
    ),
    quarantined(
        "a date in words",
        "«Дата фактического завершения работ» не читается: вчера",
        pos({"completed_date": "вчера"}, {}),
    ),
    quarantined("a date as plain number", "«Дата поступления» не читается: 46055", pos({"received_date": 46055}, {})),
    quarantined(
        "an error of Excel as date",
        "«Дата планируемого завершения работ» не читается: #VALUE!",
        sheet(sound(planned_date=cell("#VALUE!", "e")), sound(3)),
    ),
    quarantined(
        "a formula whose value was not saved",
        "Нет даты поступления",
        sheet(sound(received_date="<c {}><f>TODAY()</f></c>"), sound(3)),
    ),
    quarantined(
        "a date in the future",
        "Поступило позже, чем выгружено: поступило 11.02.2026",
        pos({"received_date": "11.02.2026", "completed_date": "-"}, {}),
    ),
    quarantined(
        "a date before 2020",
        "Поступило раньше 2020 года, опечатка в дате: 02.02.2016",
        pos({"received_date": "02.02.2016"}, {}),
    ),
    quarantined(
        "answered before it came",
        "Ответ раньше поступления: завершено 01.02.2026, поступило 02.02.2026",
        pos({"completed_date": "01.02.2026"}, {}),
    ),
    quarantined(
        "a time that no clock has",
        "«Дата создания» не читается: 2026-02-02 25:00:00",
        incidents({"created_at": "2026-02-02 25:00:00"}, {}),
        "incident",
    ),
    quarantined(
        "a time with a zone",
        "«Дата создания» не читается: 2026-02-02T10:00:00+03:00",
        incidents({"created_at": "2026-02-02T10:00:00+03:00"}, {}),
        "incident",
    ),
    quarantined(
        "a moment in the future",
        "Создан позже, чем выгружено: создан 2026-02-10 09:00:00",
        incidents({"created_at": "2026-02-10 09:00:00", "first_answer_at": "", "closed_at": ""}, {}),
        "incident",
    ),
    # Odd, and taken with a warning
    warned("nothing but headers", "Выгрузка пуста: нет ни одной строки", pos(), rows=()),
    warned("an optional column is missing", "Нет столбцов: «Факт»", pos({}, drop=["fact"])),
    warned(
        "an unknown column",
        "Неизвестный столбец «Округ»: хранится, в отчёты не идёт",
        pos({"Округ": "1"}, extra=["Округ"]),
    ),
    warned("16,384 columns", "Неизвестный столбец «Столбец 16384»", lambda path, key: _widest(path, key)),
    warned("a mark of 9", "Оценка вне 1–5: в отчёты не идёт", pos({"rating": 9})),
    warned("answered after the export", "Завершено позже, чем выгружено", pos({"completed_date": "31.12.2099"})),
    warned(
        "a duration in words",
        "«Время с начала создания инцидента до окончания» не читается",
        incidents({"total_elapsed": "долго"}),
        "incident",
    ),
    warned(
        "a duration of 10²⁹⁹ days",
        "«Время с начала создания инцидента до окончания» не читается",
        sheet(incident(total_elapsed=cell("1e299")), source="incident"),
        "incident",
    ),
    warned(
        "a duration below zero",
        "Рабочее время первого ответа отрицательно",
        incidents({"first_answer_elapsed_working": "-1:30:00"}),
        "incident",
    ),
    # Odd, and read right
    loaded(
        "a key twice, same content",
        lambda path, key: pos({"pos_number": f"{key}"}, {"pos_number": f"{key}"})(path, key),
        rows=(2, 3),
        repeated=(3,),
    ),
    loaded(
        "headers in row 3",
        lambda path, key: write_package(
            path, worksheet(row(1, {"pos_number": text("Выгрузка за февраль")}), header(number=3), data(4, key))
        ),
        rows=(4,),
    ),
    loaded(
        "blank rows at the end and between",
        sheet(sound(), '<row r="3"/>', sound(4), '<row r="5"><c r="A5" s="0"/></row>', '<row r="1048576"></row>'),
        rows=(2, 4),
    ),
    loaded(
        "headers with what cannot be seen",
        pos({}, headers={"pos_number": "\ufeffНо\u00adмер\u200b", "stage": " Ста\u00adдия\n"}),
        stored={"stage": "Завершено"},
    ),
    loaded(
        "a key with what cannot be seen",
        lambda path, key: pos({"pos_number": f"\u200b{key}\u00a0\ufeff\x01"})(path, key),
        stored={"stage": "Завершено"},
    ),
    loaded(
        "a number as key, in scientific notation",
        sheet(lambda key: data(2, "", pos_number=cell(f"{key}E3"))),
        stored={"stage": "Завершено"},
    ),
    loaded(
        "real Excel dates where text is usual",
        pos({"received_date": dt.date(2026, 2, 2), "completed_date": dt.datetime(2026, 2, 9, 23, 59)}),
        stored={"received_date": "02.02.2026", "completed_date": "09.02.2026"},
    ),
    loaded(
        "moments as Excel dates",
        incidents({"created_at": dt.datetime(2026, 2, 2, 10), "closed_at": dt.date(2026, 2, 6)}),
        "incident",
        stored={"created_at": "2026-02-02 10:00:00", "closed_at": "2026-02-06 00:00:00"},
    ),
    loaded(
        "dates as text where others are Excel's",
        incidents({"created_at": "02.02.2026 8:05"}),
        "incident",
        stored={"created_at": "2026-02-02 08:05:00"},
    ),
    loaded(
        "durations as text",
        incidents({"total_elapsed": "4 days 03:00:00", "approval_elapsed": "100:00:00,5"}),
        "incident",
        stored={"total_elapsed": "99:00:00.000", "approval_elapsed": "100:00:00.500"},
    ),
    loaded(
        "durations as plain numbers and dates",
        incidents({"total_elapsed": 0.5, "approval_elapsed": dt.datetime(1900, 1, 2, 12)}),
        "incident",
        stored={"total_elapsed": "12:00:00.000", "approval_elapsed": "60:00:00.000"},
    ),
    loaded("days counted from 1904", with_numbers, stored={"received_date": "02.02.2026"}),
    loaded("Strict Open XML", strict, stored={"received_date": "02.02.2026"}),
    loaded("tags with a prefix", prefixed, stored={"fact": "Яма на проезжей части"}),
    loaded("no addresses in the cells", edited('<c r="A2"', "<c", sound()), stored={"fact": "Яма на проезжей части"}),
    loaded(
        "text in runs, inline",
        sheet(sound(fact="<c {} t='inlineStr'><is><r><t>Яма </t></r><r><rPr><b/></rPr><t>тут</t></r></is></c>")),
        stored={"fact": "Яма тут"},
    ),
    loaded(
        "shared text in runs, with a reading",
        shared("0", "<si><r><t>Яма </t></r><r><t>тут</t></r><rPh sb='0' eb='1'><t>яма</t></rPh></si>"),
        stored={"fact": "Яма тут"},
    ),
    loaded("CDATA and comments", fact("<![CDATA[a</row>&lt;]]><!-- </row> -->b"), stored={"fact": "a</row>&lt;b"}),
    loaded(
        "formulas",
        sheet(sound(fact=cell("Яма", "str", formula='<f>CONCATENATE("Я","ма")</f>'))),
        stored={"fact": "Яма"},
    ),
    loaded(
        "formulas of other programs as text",
        pos({"fact": "=cmd|' /C calc'!A0", "category": "@SUM(1+1)"}),
        stored={"fact": "=cmd|' /C calc'!A0", "category": "@SUM(1+1)"},
    ),
    loaded(
        "errors and booleans of Excel in texts",
        sheet(sound(fact=cell("#N/A", "e"), is_overdue=cell("1", "b"))),
        stored={"fact": "#N/A", "is_overdue": "Да"},
    ),
    loaded(
        "a cell of 32,767 characters",
        pos({"fact": noise(LONGEST), "category": noise(LONGEST, 2)}),
        stored={"fact": noise(LONGEST), "category": noise(LONGEST, 2)},
    ),
    loaded("a cell of a million characters", fact("ы" * 1_000_000), stored={"fact": "ы" * 1_000_000}),
    loaded(
        "a name of a cabinet of 32,767 characters",
        incidents({"cabinet": noise(LONGEST)}),
        "incident",
        stored={"cabinet": noise(LONGEST)},
    ),
    loaded("NUL, raw and escaped", sheet(sound(fact=raw_text("а\0б_x0000_в&#0;г"))), stored={"fact": "абвг"}),
    loaded(
        "control characters, raw and escaped",
        sheet(sound(fact=raw_text("а\x01б_x0002_в&#3;г\x1b[31mд"))),
        stored={"fact": "а\x01б\x02в\x03г\x1b[31mд"},
    ),
    loaded(
        "control characters where the parser reads",
        fact("<!-- -->а\x01б_x0002_в&#3;г"),
        stored={"fact": "а\x01б\x02в\x03г"},
    ),
    loaded(
        "half of a surrogate pair",
        sheet(sound(fact=raw_text("а_xD83D_б&#xDE00;в\ud83d"))),
        stored={"fact": "а\ufffdб\ufffdв\ufffd\ufffd\ufffd"},
    ),
    loaded(
        "emoji, also as two halves",
        sheet(sound(fact=raw_text("😀_xD83D__xDE00_&#xD83D;&#xDE00;👩‍👩‍👧"))),
        stored={"fact": "😀😀😀👩‍👩‍👧"},
    ),
    loaded("bytes that are no UTF-8", lambda path, key: _broken_bytes(path, key), stored={"fact": "Я\ufffdма"}),
    loaded(
        "marks of direction and combining characters",
        pos({"fact": "\u202eтест\u202c е\u0301 Z̸̧̢"}),
        stored={"fact": "\u202eтест\u202c е\u0301 Z̸̧̢"},
    ),
    loaded(
        "what COPY takes for the end",
        pos({"fact": 'а\n\\.\nб\\N"\r\n\t;', "status": "\\.", "stage": "\\N"}),
        stored={"fact": 'а\n\\.\nб\\N"\r\n\t;', "status": "\\.", "stage": "\\N"},
    ),
    loaded(
        "SQL in texts, topics and names",
        pos({"fact": SQL, "category": SQL, "executor_name": SQL, "org_current": SQL}),
        stored={"fact": SQL, "category": SQL, "executor_name": SQL, "org_current": SQL},
    ),
    loaded(
        "HTML in texts, topics and names",
        pos({"fact": SCRIPT, "category": SCRIPT, "executor_name": SCRIPT, "stage": SCRIPT, "rating": SCRIPT}),
        stored={"fact": SCRIPT, "category": SCRIPT, "executor_name": SCRIPT, "stage": SCRIPT},
    ),
    loaded(
        "Jinja and placeholders in texts, topics and names",
        pos({"fact": JINJA, "category": JINJA, "executor_name": JINJA, "stage": JINJA}),
        stored={"fact": JINJA, "category": JINJA, "executor_name": JINJA, "stage": JINJA},
    ),
    loaded("hostile headers of unknown columns", pos({SQL: "1", SCRIPT: "2", JINJA: "3"}, extra=[SQL, SCRIPT, JINJA])),
    loaded(
        "a number format that takes for ever to look through", sheet(sound(), parts={STYLES: styles("[" * 100_000)})
    ),
    loaded("a DOCTYPE in the document's properties", sheet(sound(), parts={"docProps/core.xml": LAUGHS})),
    loaded("bytes before the archive", changed(pos({}), lambda whole: b"MZ not a zip yet" + whole)),
    loaded("bytes behind the archive", changed(pos({}), lambda whole: whole + b"not a zip any more")),
    # Names
    loaded("quotes in the name", pos({}), name=f"ООО «Ромашка» 'a' \"b\" `c` {EXPORTED}.xlsx"),
    loaded("a line break and control characters in the name", pos({}), name=f"а\nб\r\x1b[31m {EXPORTED}.xlsx"),
    loaded("`..` in the name", pos({}), name=f"а..б {EXPORTED}...xlsx"),
    loaded(
        "SQL, HTML and Jinja in the name",
        pos({"rating": 9}),
        name=f"{SQL} <img src=x onerror=alert(1)> {{{{ 7*7 }}}} $x %s {EXPORTED}.xlsx",
    ),
    loaded("a name as long as can be", pos({"rating": 9}), name=f"{'ы' * 116} {EXPORTED}.XLSX"),
    Case("a name that begins with a dot", PASSED_OVER, "", pos({}), name=f"..{EXPORTED}.xlsx"),
]


def _widest(path: Path, key: int) -> None:
    known = [header_.header for header_ in columns.load("pos").columns]
    names = known + [f"Столбец {n}" for n in range(len(known) + 1, 16_385)]
    cells = "".join(text(name).replace("{}", "") for name in names)
    write_package(path, worksheet(f"<row>{cells}</row>", sound()(key)))


def _broken_bytes(path: Path, key: int) -> None:
    inside = worksheet(header(), data(2, key, fact=text("Я|ма"))).encode()
    write_package(path, "", {SHEET: inside.replace(b"|", b"\xff")})
