"""Makes texts that UTF-8 can hold of any that Python can."""

import re

HALF = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """Returns the text as UTF-8 can hold it, with a mark for each half of a surrogate pair.

    Names that are not UTF-8 reach Python with such halves, which neither JSON nor Milvus can carry; where Python takes
    the system for one of ASCII, names that are UTF-8 do, too.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return text.encode("utf-8", "replace").decode()


def escaped(json: str) -> str:
    """Returns JSON as UTF-8 can hold it, with an escape for each half of a surrogate pair: whoever reads it gets the
    same names again."""
    return json.encode("utf-8", "backslashreplace").decode()


def without_halves(text: str) -> str:
    """Returns the text with a space for each half of a surrogate pair, such as half of an emoji."""
    return text if text.isascii() else HALF.sub(" ", text)
