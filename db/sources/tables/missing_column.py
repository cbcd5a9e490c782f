"""Explains that a table has no such column of pictures, and says which of its columns may be the one."""

import re
import shlex
from pathlib import PurePath

from db.sources.tables.rows import names_of
from db.sources.tables.table import Table
from library.decoding.formats import IMAGE_SUFFIXES
from library.errors import UnknownSource

USUAL = (
    *("filepath", "filename", "file", "path", "image", "imagepath", "imagefile", "imagename", "img", "imgpath"),
    *("picture", "photo", "photopath", "imageurl", "photourl", "url", "uri", "src"),
)


def without_column(name: str, column: str, table: Table) -> UnknownSource:
    """Returns the error for a table without the column, or for one of which none is named."""
    columns = names_of(list(table.columns))
    if table.are_texts and any(map(_is_place, table.columns)):
        return UnknownSource("table_without_header", name=name, columns=columns)
    if not column:
        return UnknownSource("name_the_column", name=name, columns=columns)
    if likely := _likely_one(column, table):
        quoted = shlex.quote(likely)
        return UnknownSource("table_has_other_column", name=name, column=column, columns=columns, likely=quoted)
    return UnknownSource("table_lacks_column", name=name, column=column, columns=columns)


def _likely_one(column: str, table: Table) -> str:
    """Returns the column that is called nearly so, or as columns of pictures often are, or alone may hold pictures."""
    by_letters = {_letters_of(name): name for name in reversed(table.columns)}
    usual = (by_letters[each] for each in (_letters_of(column), *USUAL) if each in by_letters)
    return next(usual, table.with_pictures[0] if len(table.with_pictures) == 1 else "")


def _letters_of(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _is_place(name: str) -> bool:
    return "://" in name or PurePath(name).suffix.lower() in IMAGE_SUFFIXES
