"""Opens tables that are text: finds out how their characters are encoded and what stands between their cells."""

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import TextIOWrapper
from typing import Any, BinaryIO, TextIO

from db.sources.encodings.guess import are_utf8, guess_encoding, known_encoding, of_escapes
from db.sources.tables.table import TableFile
from library.decoding.archive_kinds import HEAD, archive_kind
from library.errors import UnknownSource

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
SAMPLE = 1 << 18  # bytes
DELIMITERS = (",", ";", "\t", "|")
SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # the first line, as Excel writes and reads it
OF_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
AS_HALVES = "likeness.halves"
HALF_IN_UTF8 = re.compile("\udced[\udca0-\udcbf][\udc80-\udcbf]")  # half of an emoji, as some programs write it
CLOSING = re.compile(r'(?<!")(?:"")*"(?!")')  # or opening: what is no pair
NOT_DECODED = re.compile("[\udc80-\udcff]")
LONGEST_CELL = (1 << 31) - 1  # what is too long for a row is told of that row

OnDoubt = Callable[[int, int], None]


def encoding_of(table: TableFile, named: str = "", is_json: bool = False) -> str:
    """Returns the encoding that was named, or else the one that the bytes show. Raises OSError or UnknownSource.

    Where some lines are UTF-8 and others are not, the others are damaged, and no reason to misread the rest.
    """
    known = known_encoding(named) if named else ""
    with table.open() as file:
        head = file.read(SAMPLE)
        if (kind := archive_kind(head)) and OF_NO_TEXT.search(head[:HEAD]):
            raise UnknownSource("table_packed", name=table.name, kind=kind)
        if known:
            return "utf-8-sig" if known == "utf-8" else known
        if marked := next((name for mark, name in MARKS.items() if head.startswith(mark)), ""):
            return marked
        if b"\0" in head[:2] or 4 * head.count(0) > len(head):  # what is written in ASCII is half of zeros
            return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        if not (odd := _first_odd_bytes(head, file)):
            return "utf-8"
        if escaping := of_escapes(odd):
            return escaping
        file.seek(0)
        return "utf-8" if are_utf8(file, is_json) else guess_encoding(odd)


def open_text(table: TableFile, encoding: str) -> TextIO:
    """Opens a table for reading, after all its byte order marks. Raises OSError.

    Bytes that the encoding does not have become what no record takes.
    """
    codecs.register_error(AS_HALVES, _as_halves)
    file = TextIOWrapper(table.open(), encoding, AS_HALVES, newline="")
    start = file.tell()
    while file.read(1) == BYTE_ORDER_MARK:
        start = file.tell()
    file.seek(start)
    return file


def first_line(table: TableFile, encoding: str) -> str:
    """Returns the first line that is not empty, without the spaces around it. Raises OSError."""
    with open_text(table, encoding) as file:
        return next(filter(None, map(str.strip, file)), "")


def not_decoded(text: str) -> bool:
    """Returns whether a text of `open_text` holds bytes that the encoding does not have."""
    return not text.isascii() and NOT_DECODED.search(text) is not None


def is_of_other_bytes(text: str) -> bool:
    """Returns whether a text of `open_text` holds bytes of another encoding, and not just half of an emoji in UTF-8."""
    return not_decoded(text) and not_decoded(HALF_IN_UTF8.sub("", text))


def shown_encoding(encoding: str) -> str:
    """Returns an encoding as a person names it, who does not know of the mark before UTF-8."""
    return encoding.removesuffix("-sig")


def delimiter_of(table: TableFile, header: str) -> str:
    """Returns what stands between the cells of a header: a tab in .tsv, else what is there most often."""
    if said := SAID.fullmatch(header):
        return said[1]
    if table.suffix == ".tsv":
        return "\t"
    unquoted = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def cells_of(table: TableFile, encoding: str, on_doubt: OnDoubt = lambda first, last: None) -> Iterator[list[str]]:
    """Yields the rows of a table as texts, the header first, without empty lines. Raises OSError or csv.Error.

    `on_doubt` is told of the first and the last line of a row that may be several, by a quote too many.
    """
    csv.field_size_limit(LONGEST_CELL)
    with open_text(table, encoding) as file:
        start = file.tell()
        first = file.readline()
        delimiter = delimiter_of(table, first)
        is_said = SAID.fullmatch(first) is not None
        if not is_said:
            file.seek(start)
        yield from filter(None, _rows(file, delimiter, _is_spaced(first, delimiter), on_doubt, int(is_said)))


def _is_spaced(header: str, delimiter: str) -> bool:
    """Returns whether a space follows each delimiter, which belongs to no cell and comes before its quotes."""
    return delimiter in header and all(cell.startswith(" ") for cell in header.split(delimiter)[1:])


def _rows(lines: Iterable[str], delimiter: str, is_spaced: bool, on_doubt: OnDoubt, number: int) -> Iterator[list[str]]:
    """Yields rows as csv reads them; but a quote that no other closes takes in its own line, not those that follow.

    `number` lines come before the first.
    """
    read = partial(csv.reader, delimiter=delimiter, skipinitialspace=is_spaced)
    waiting = iter(lines)
    given_back: deque[str] = deque()
    columns = 0  # as the first row has them
    while line := given_back.popleft() if given_back else next(waiting, ""):
        row, number = next(read([line])), number + 1
        if '"' in line and _leaves_open(read, line):
            taken = [line]
            whole = _over_lines(read, taken, _from(given_back, waiting), columns)
            if whole:
                if _may_be_several(read, taken, columns):
                    on_doubt(number, number + len(taken) - 1)
                number += len(taken) - 1
            else:
                given_back.extendleft(reversed(taken[1:]))
            row = whole or next(read([line.rstrip("\r\n")]))
        columns = columns or len(row)
        yield row


def _may_be_several(read: Callable[..., Any], lines: Sequence[str], columns: int) -> bool:
    """Returns whether the lines of one row look like rows themselves, and not like prose, with spaces after commas."""

    def looks_like_row(line: str) -> bool:
        cells = next(read([line]))
        return len(cells) == columns and not any(cell.startswith(" ") for cell in cells[1:])

    first, *others = lines
    without_quotes = (first.replace('"', ""), "".join(first.rpartition('"')[::2]))  # all, or the one left open
    return columns > 1 and any(map(looks_like_row, without_quotes)) and any(map(looks_like_row, others))


def _leaves_open(read: Callable[..., Any], line: str) -> bool:
    """Returns whether a quote is open at the end of the line, so that csv asks for the next one."""
    reader = read([line, ""])
    next(reader)
    return bool(reader.line_num > 1)


def _over_lines(read: Callable[..., Any], taken: list[str], lines: Iterable[str], columns: int) -> list[str] | None:
    """Returns the row that begins with an open quote, and adds its lines to `taken`; None where they are no one row.

    They are none where the quote is closed within a cell, or never, and where the cells are not those of the header.
    """

    def noted() -> Iterator[str]:
        yield taken[0]
        quotes = 0
        for line in lines:
            taken.append(line)
            quotes += len(CLOSING.findall(line))
            yield line
            if columns and quotes > 2 * columns:  # a row of so many quotes is none, and no row is sought without end
                return

    try:
        row: list[str] = next(read(noted(), strict=True))
    except csv.Error:
        return None
    if columns and any(row[columns:]):
        return None
    is_short = len(row) < columns
    return None if is_short and any(len(next(read([line]))) == columns for line in taken[1:]) else row


def _from(given_back: deque[str], waiting: Iterator[str]) -> Iterator[str]:
    while given_back:
        yield given_back.popleft()
    for line in waiting:  # noqa: UP028 since `yield from` would close the file
        yield line


def _as_halves(error: UnicodeError) -> tuple[str, int]:
    """Returns half of a character for each byte, as Python has it for names; it has none for the bytes of ASCII."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


def _first_odd_bytes(head: bytes, file: BinaryIO) -> bytes:
    """Returns a sample around the first bytes that are no UTF-8, or switch to another encoding; none without these."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = head
    while chunk:
        is_odd = bool(of_escapes(chunk))
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            is_odd = True
        if is_odd:
            return head if chunk is head else head[: SAMPLE // 2] + chunk
        chunk = file.read(SAMPLE)
    return b""
