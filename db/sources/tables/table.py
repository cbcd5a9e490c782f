"""Describes a table before its rows are read, and explains why one cannot be read."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow

from db.sources.local_files import ANYWHERE, LocalFiles
from library.errors import RejectedImage, UnknownSource
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.texts import encodable

TableRow = Mapping[str, Any]
Rows = Iterator[TableRow | RejectedImage]  # a row, or why it cannot be read

# What readers raise over damaged tables, and over values that Python cannot hold.
DAMAGE = (ValueError, TypeError, OverflowError, LookupError, csv.Error, pyarrow.ArrowException)


class DecodedRow(dict[str, Any]):
    """Holds a row of JSON whose bytes were all decoded: half of a character in it was written as an escape."""


@dataclass(frozen=True)
class TableFile:
    """Names the file of a table, or a folder of them, which `files` opens."""

    path: Path
    files: LocalFiles = ANYWHERE

    @property
    def name(self) -> str:
        """Returns its name without the folder."""
        return self.path.name

    @property
    def suffix(self) -> str:
        """Returns the ending of its name in lower case."""
        return self.path.suffix.lower()

    def open(self) -> BinaryIO:
        """Opens it anew, at its beginning. Raises OSError or RejectedImage."""
        return self.files.open(self.path)


@dataclass(frozen=True)
class Table:
    """Holds what is known of a table before its rows are read."""

    columns: Sequence[str]
    rows: Callable[[], Rows]
    total: int | None = None
    encoding: str = ""  # of a table of text
    are_texts: bool = False  # whether all cells are texts, whose types are to be found out
    binary: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  # where in a column bytes are, such as a, a.b, a[]
    with_pictures: Sequence[str] = ()  # columns whose cells may be the pictures themselves
    notes: Callable[[], Sequence[Message]] = list  # what was to be known of it by the row that was read last


@contextmanager
def unreadable_explained(path: Path) -> Iterator[None]:
    """Turns what readers of tables raise into UnknownSource."""
    try:
        yield
    except OSError as error:
        raise UnknownSource("table_not_read", path=str(path), reason=reason_of(error)) from None
    except UnicodeError:
        raise UnknownSource("wrong_encoding", name=path.name) from None
    except DAMAGE as error:
        raise UnknownSource("not_read_as_table", name=path.name, reason=reason_of(error)) from None


def named(header: Sequence[str]) -> list[str]:
    """Returns a name of its own for each column: an empty one is called by its place, a second one gets a number.

    What no record can hold becomes visible marks, since else no row of the table could be kept.
    """
    names: dict[str, None] = {}
    for place, cell in enumerate(header, 1):
        name = wanted = _kept(cell) or f"column {place}"
        number = 2
        while name in names:
            name, number = f"{wanted} {number}", number + 1
        names[name] = None
    return list(names)


def notes_on_names(header: Sequence[str], names: Sequence[str]) -> list[Message]:
    """Returns what is to be said of columns that have the name of one before them, and got another by `named`."""
    renamed = [name for cell, name in zip(header, names, strict=True) if cell.strip() and name != _kept(cell)]
    return [message("columns_of_one_name", columns=", ".join(renamed))] if renamed else []


def _kept(cell: str) -> str:
    return encodable(cell).replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
