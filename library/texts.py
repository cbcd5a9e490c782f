"""Makes texts that UTF-8 can hold of any that Python can."""

import re
import unicodedata

MARK = "\N{REPLACEMENT CHARACTER}"
MOST_SHOWN = 500  # characters of what somebody wrote, within a sentence or a line
ESCAPING = "backslashreplace"  # how files are written: names that are not UTF-8 reach Python with lone surrogates
HALF = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """Returns the text as UTF-8 can hold it, with a mark for each half of a surrogate pair.

    Names that are not UTF-8 reach Python with such halves, which neither JSON nor Milvus can carry.
    """
    return as_typed(text).encode("utf-8", "replace").decode()


def as_typed(text: str) -> str:
    """Returns a text as it was typed, where Python took a system of UTF-8 for one of ASCII; any other unchanged."""
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return text


def escaped(json: str) -> str:
    """Returns JSON as UTF-8 can hold it, with an escape for each half of a surrogate pair: whoever reads it gets the
    same names again."""
    return json.encode("utf-8", ESCAPING).decode()


def without_controls(text: str) -> str:
    """Returns the text as one line that any screen can show: control characters become visible marks."""
    return text if text.isprintable() else "".join(MARK if _is_control(char) else char for char in text)


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """Returns a text of at most `most` characters: of a longer one its beginning and its end, with a mark between."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 1]}…{text[-end:]}"


def holds_half(text: str) -> bool:
    """Returns whether the text holds half of a surrogate pair, such as half of an emoji."""
    return not text.isascii() and HALF.search(text) is not None


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")
