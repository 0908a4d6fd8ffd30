"""The package of a workbook: a zip whose parts are streamed, never trusted and never held whole."""

from __future__ import annotations

import errno
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

CHUNK = 1 << 20  # bytes
MAX_UNPACKED = 4 << 30  # bytes: the 1,048,576 rows that a sheet can have, of 4 KiB each
MAX_READ = 4 << 20  # bytes read of the file at once: the directory of a zip, a hundred bytes a part
MAX_SMALL_PART = 8 << 20  # bytes of a part that says where and how things stand: some KiB, with many styles some MiB

IS_ENCRYPTED, NAME_IS_UTF8 = 0x1, 0x800  # flags of a part

# What a damaged zip makes `zipfile` raise.
DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, LookupError, ValueError)

EXPORT_AGAIN = "Выгрузите файл заново в формате XLSX, без пароля."


class WorkbookError(Exception):
    """The workbook cannot be read; the message says what and where, in Russian; the file's name is the caller's."""


class UnfinishedWorkbookError(WorkbookError):
    """The zip has no end: it is still being written, or was cut off."""


class DamagedPartError(WorkbookError):
    """A part of the package cannot be read to its end."""


class Package:
    """An opened package. Every error of reading it is a WorkbookError, but OSError if the disk fails."""

    def __init__(self, path: Path) -> None:
        self._file = _BoundedReader(io.FileIO(path))
        try:
            self._zip = ZipFile(self._file)
            self._parts = _checked(self._zip.infolist(), path.stat().st_size)
        except WorkbookError:
            self._file.close()
            raise
        except DAMAGE as error:
            with self._file:
                raise _what_it_is(self._file) from error
        except OSError as error:
            with self._file:
                if error.errno == errno.EINVAL:  # a directory that points before the start of the file
                    raise _what_it_is(self._file) from error
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    def stream(self, part: str) -> Iterator[bytes]:
        """The part in chunks, at most as long as the directory says, without NUL, which no XML has.

        The check sum is compared at the end: who stops before it may have read what the writer never wrote.
        """
        try:
            info = self._parts[part.lower()]
        except KeyError:
            raise DamagedPartError(f"в книге нет части {part}. {EXPORT_AGAIN}") from None
        try:
            with self._zip.open(info) as file:
                chunk = file.read(CHUNK)
                if chunk[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in chunk[:4]:
                    raise WorkbookError(
                        f"часть {part} записана в кодировке UTF-16. Пересохраните книгу в Excel или LibreOffice (XLSX)."
                    )
                while chunk:
                    yield chunk.replace(b"\0", b"")
                    chunk = file.read(CHUNK)
        except DAMAGE as error:
            raise DamagedPartError(f"часть {part} повреждена ({error}). {EXPORT_AGAIN}") from error

    def elements(self, part: str, on_start: Callable[[str, dict[str, str]], None]) -> None:
        """Call `on_start` with local name and attributes (a prefix stays) of each element of a small part."""
        parser = xml_parser(part)
        parser.StartElementHandler = lambda name, attributes: on_start(name.rpartition(" ")[2], attributes)
        size = 0
        for chunk in self.stream(part):
            size += len(chunk)
            if size > MAX_SMALL_PART:
                raise WorkbookError(f"часть {part} больше {MAX_SMALL_PART >> 20} МиБ: это не выгрузка. {EXPORT_AGAIN}")
            feed(parser, part, chunk)
        feed(parser, part, b"", is_final=True)


def xml_parser(part: str) -> expat.XMLParserType:
    """A parser of one part: names are `namespace name`; no document type, no encoding but UTF-8."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse_doctype(*_: object) -> None:
        raise WorkbookError(f"часть {part} содержит DOCTYPE, такого в книгах Excel не бывает. {EXPORT_AGAIN}")

    def check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.upper() not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
            raise WorkbookError(
                f"часть {part} записана в кодировке {encoding}. Пересохраните книгу в Excel или LibreOffice (XLSX)."
            )

    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.XmlDeclHandler = check_encoding
    return parser


def feed(parser: expat.XMLParserType, part: str, content: bytes, *, is_final: bool = False) -> None:
    """Parse more of a part; raises DamagedPartError where it is no XML."""
    try:
        parser.Parse(content, is_final)
    except (expat.ExpatError, ValueError) as error:
        raise DamagedPartError(f"часть {part} повреждена ({error}). {EXPORT_AGAIN}") from error


class _BoundedReader(io.BufferedReader):
    """A file of which nobody, told so by the file itself, reads much at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_READ:
            raise WorkbookError(f"оглавление архива больше {MAX_READ >> 20} МиБ: это не выгрузка. {EXPORT_AGAIN}")
        return super().read(size)


def _checked(infos: list[ZipInfo], size: int) -> dict[str, ZipInfo]:
    """The parts by name in lower case; refuses a package that is not safe to unpack."""
    parts = {info.filename.lower(): info for info in infos}
    if len(parts) != len(infos):
        raise WorkbookError(f"в архиве две части с одним именем. {EXPORT_AGAIN}")
    unpacked = sum(info.file_size for info in infos)
    if unpacked > MAX_UNPACKED:
        raise WorkbookError(
            f"книга распаковывается в {unpacked / (1 << 30):.1f} ГиБ, больше {MAX_UNPACKED >> 30} ГиБ не читается. "
            "Выгрузите файл заново по частям, за меньший период."
        )
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < 0:  # bytes are gone
            raise WorkbookError(f"архив повреждён. {EXPORT_AGAIN}")
        if info.header_offset < end:
            raise WorkbookError(f"части архива наложены друг на друга ({info.filename}). {EXPORT_AGAIN}")
        name = info.orig_filename.encode("utf-8" if info.flag_bits & NAME_IS_UTF8 else "cp437")
        end = info.header_offset + 30 + len(name) + info.compress_size
        if end > size:
            raise WorkbookError(f"часть архива {info.filename} лежит за концом файла. {EXPORT_AGAIN}")
        if info.flag_bits & IS_ENCRYPTED:
            raise WorkbookError(f"архив защищён паролем. {EXPORT_AGAIN}")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise WorkbookError(f"часть {info.filename} сжата способом, которого в книгах Excel нет. {EXPORT_AGAIN}")
    return parts


def _what_it_is(file: io.BufferedReader) -> WorkbookError:
    """What stands in a file that is no readable zip, told by its beginning."""
    file.seek(0)
    start = file.read(1 << 16)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in start + _end_of(file) + _directory(file, start):
            return WorkbookError("книга зашифрована паролем. Снимите пароль и положите файл снова.")
        return WorkbookError(f"это старая книга Excel (.xls) под чужим именем. {EXPORT_AGAIN}")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start or (start.startswith(b"PK\x03\x04") and b"PK\x05\x06" not in _end_of(file)):
        return UnfinishedWorkbookError(
            "файл записан не до конца (у архива нет конца). Дождитесь окончания записи или выгрузите файл заново."
        )
    if start.startswith(b"PK"):
        return WorkbookError(f"архив повреждён. {EXPORT_AGAIN}")
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta")):
        return WorkbookError(f"это страница HTML под именем книги. {EXPORT_AGAIN}")
    if text.startswith(b"<"):
        return WorkbookError(f"это файл XML под именем книги. {EXPORT_AGAIN}")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return WorkbookError(f"это текст в кодировке UTF-16 под именем книги. {EXPORT_AGAIN}")
    if not any(byte < 9 for byte in start) and any(mark in start for mark in (b";", b",", b"\t")):
        return WorkbookError(f"похоже на текст CSV под именем книги. {EXPORT_AGAIN}")
    return WorkbookError(f"это не архив ZIP. {EXPORT_AGAIN}")


def _directory(file: io.BufferedReader, start: bytes) -> bytes:
    """The names of the streams of a compound file, told by its header."""
    shift, first = struct.unpack_from("<30xH16xI", start.ljust(52, b"\0"))
    file.seek((first + 1) << min(shift, 12))
    return file.read(1 << 12)


def _end_of(file: io.BufferedReader) -> bytes:
    """The last bytes of a file, in which the end of a zip stands."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 17)))
    return file.read(1 << 17)
