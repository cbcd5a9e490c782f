"""Decodes the names of files whose encoding nobody tells, from as few letters as the names of one archive have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from db.sources.encodings.guess import ENCODINGS, likeliest

FURTHER = (
    "mac_roman",
    "mac_cyrillic",
    "mac_turkish",
    "iso8859_2",
    "iso8859_5",
    "iso8859_9",
    "iso8859_15",
    "cp1258",
    "johab",
)


Told = str | Mapping[bytes, str]  # an encoding, or names by their bytes


@dataclass(frozen=True)
class Decoded:
    """Holds a name, and the encoding where that had to be found out or was named by the user."""

    name: str
    encoding: str = ""


def clean_member(name: str) -> str:
    """Returns the name of a file in an archive as it is known here: relative, without empty parts."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _clean(name: bytes) -> bytes:
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def _known(name: bytes, names: Mapping[bytes, str]) -> str | None:
    """Returns the name for the bytes; a backslash may stand between folders, or be half of a character."""
    return names.get(_clean(name)) or names.get(_clean(name.replace(b"\\", b"/")))


def decoder_of(names: Sequence[bytes], encoding: Told = "") -> Callable[[bytes], Decoded]:
    """Returns what decodes the names of an archive: in the encoding that is named, or that all of them show together.

    What has no character in that encoding stays a lone surrogate, as in the names of files. Of an archive in which one
    file is looked for, its name may be told by the bytes that stand for it.
    """
    if isinstance(encoding, Mapping):
        return lambda name: Decoded(_known(name, encoding) or name.decode("utf-8", "surrogateescape"))
    if encoding:
        return lambda name: _decoded(name, encoding)
    if all(map(is_utf8, names)):
        return lambda name: Decoded(name.decode())
    found = likeliest(sorted({name for name in names if not (name.isascii() or _is_surely_utf8(name))}))
    return lambda name: Decoded(name.decode()) if _is_surely_utf8(name) else _decoded(name, found)


def _decoded(name: bytes, encoding: str) -> Decoded:
    try:
        text = name.decode(encoding, "surrogateescape")
    except ValueError:  # of those of two bytes, some give up half of a character whatever they are told
        text = name.decode("utf-8", "surrogateescape")
    return Decoded(text, "" if name.isascii() else encoding)


def is_utf8(name: bytes) -> bool:
    """Returns whether the bytes are UTF-8."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def ways_to_write(name: str) -> Mapping[bytes, str]:
    """Returns the name of a file in an archive by the bytes that may stand for it, in any encoding."""
    return {raw: name for encoding in ("utf-8", *ENCODINGS, *FURTHER) if (raw := _written(name, encoding))}


def _written(name: str, encoding: str) -> bytes:
    try:
        return name.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return b""


def _is_surely_utf8(name: bytes) -> bool:
    """Returns whether the bytes are UTF-8 with a sequence of three or more, which no other encoding makes by chance."""
    return is_utf8(name) and any(char >= "\u0800" for char in name.decode())
