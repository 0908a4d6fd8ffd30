"""From a raw cell to the canonical text of its column: chosen once for all cells of one type, style and column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from mcu.sources import cells
from mcu.sources.cells import Cell
from mcu.sources.markup import character
from mcu.sources.xlsx import Kind

Read = Callable[[bytes], str | None]  # of what stands between a cell's tags
Convert = Callable[[Cell], str | None]

TEXTS = (b"inlineStr", b"s", b"str", b"e")
NUMBERS = (b"", b"n")

NUMBER = re.compile(rb"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?\s*")
DIGITS_OF_A_FLOAT = 15  # an integer of so many digits is exact
ENTITY = re.compile(r"&(?:#(?:(\d{1,20})|x([0-9A-Fa-f]{1,20}))|(amp|lt|gt|quot|apos));")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def reader(cell_type: bytes, kind: Kind, convert: Convert, *, is_1904: bool) -> Read:
    """How a cell is read whose type is `cell_type` and whose style makes numbers `kind`, by the column's converter."""
    if cell_type in TEXTS:
        return _text_reader(convert)
    if cell_type in NUMBERS:
        return _plain_number_reader(convert) if kind is Kind.NUMBER else _number_reader(convert, kind, is_1904)
    if cell_type == b"b":
        return lambda raw: convert({"1": True, "true": True, "0": False, "false": False}.get(text(raw), text(raw)))
    if cell_type == b"d":
        return lambda raw: convert(_iso(text(raw)))
    return _text_reader(convert)


def text(raw: bytes) -> str:
    """What is written, as text: no NUL, and U+FFFD for what is no character, such as half of a surrogate pair."""
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        value = raw.decode("utf-8", "replace")
    if "\r" in value:  # as XML has it; a real one is written as a reference
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in value:
        value = ENTITY.sub(lambda found: NAMED[found[3]] if found[3] else character(found), value)
    if "_x" in value and ESCAPED.search(value):
        value = ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    return value


def _text_reader(convert: Convert) -> Read:
    def read(raw: bytes) -> str | None:
        return convert(text(raw))

    def read_text(raw: bytes) -> str | None:
        if b"&" in raw or b"_x" in raw or b"\r" in raw:
            return cells.text(text(raw))
        try:
            value = raw.decode().strip()
        except UnicodeDecodeError:
            return cells.text(text(raw))
        return cells.text(value) if value[:1] in "'-" else value

    return read_text if convert is cells.text else read


def _plain_number_reader(convert: Convert) -> Read:
    """Of numbers in no calendar format. What is no number, although it says so, is text."""
    is_digits_kept = convert in (cells.text, cells.integer, cells.key)

    def read(raw: bytes) -> str | None:
        if is_digits_kept and raw.isdigit() and len(raw) <= DIGITS_OF_A_FLOAT and raw[0] != 48:
            return raw.decode()
        return convert(_number(raw))

    return read


def _number_reader(convert: Convert, kind: Kind, is_1904: bool) -> Read:
    """Of numbers that are moments or durations. A duration's column holds durations, whatever the calendar format."""
    is_duration = convert is cells.duration

    def read(raw: bytes) -> str | None:
        number = _number(raw)
        if isinstance(number, str):
            return convert(number)
        if is_duration and (kind is Kind.DURATION or number < cells.LONGEST_DURATION):
            return cells.duration(number)
        return convert(_of_the_calendar(number, kind, is_1904))

    return read


def _number(raw: bytes) -> float | str:
    if not NUMBER.fullmatch(raw):
        return text(raw)
    number = float(raw)
    return number if abs(number) < 1e300 else text(raw)


def _of_the_calendar(number: float, kind: Kind, is_1904: bool) -> Cell:
    """The moment, time of day or duration that Excel counts in days; the number itself if it is out of the calendar."""
    if number < 0 and kind is Kind.MOMENT:
        return number
    try:
        found: Cell = from_excel(number, MAC_EPOCH if is_1904 else WINDOWS_EPOCH, timedelta=kind is Kind.DURATION)
    except (OverflowError, ValueError):
        return number
    return found


def _iso(value: str) -> Cell:
    """The date, moment or time of day that is written by ISO 8601; else the text."""
    for read in (dt.date.fromisoformat, dt.time.fromisoformat, dt.datetime.fromisoformat):
        try:
            found = read(value)
        except ValueError:
            continue
        return found.replace(tzinfo=None) if isinstance(found, dt.time | dt.datetime) else found
    return value
