"""Recognises archives by the ends of their names and by their first bytes."""

import re

ZIP_SUFFIX = ".zip"
TAR_SUFFIXES = (
    *(".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tb2", ".tz2"),
    *(".tar.xz", ".txz", ".tar.lzma", ".tlzma"),
)
UNREADABLE_SUFFIXES = (".7z", ".rar", ".tar.zst", ".tzst", ".tar.lz4", ".tar.lz", ".tlz", ".tar.z", ".taz")
VOLUME = re.compile(
    r".+\.((zip|7z|rar|tar|tar\.\w+|tgz|tbz2?|txz|tzst)\.\d{2,3}|[zr]\d\d)", re.IGNORECASE | re.ASCII | re.DOTALL
)
HEAD = 512  # bytes that show the kind

SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an empty one
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\x04\x22\x4d\x18": "lz4",
    b"LZIP": "lz",
    b"\x1f\x9d": "Z",
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
}
UNREADABLE = frozenset(["7z", "rar", "zst", "lz4", "lz", "Z"])
TAR_MARK, TAR_MARK_AT = b"ustar", 257


def is_archive(name: str) -> bool:
    """Returns whether the name is that of an archive, of any kind."""
    return name.lower().endswith((ZIP_SUFFIX, *TAR_SUFFIXES, *UNREADABLE_SUFFIXES)) or is_volume(name)


def is_volume(name: str) -> bool:
    """Returns whether the name is that of one of the files into which an archive was split."""
    return bool(VOLUME.fullmatch(name))


def archive_kind(head: bytes) -> str:
    """Returns the kind of archive that begins with these bytes; an empty text for anything else."""
    if head[TAR_MARK_AT:].startswith(TAR_MARK):
        return "tar"
    return next((kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), "")


def kind_named(name: str) -> str:
    """Returns the last part of the ending that makes the name one of an archive: `zst` of `album.tar.zst`."""
    return name.lower().rpartition(".")[2]
