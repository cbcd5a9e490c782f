"""Reads pictures from zip and tar archives, without unpacking anything to disk."""

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from db.sources.archive_sidecars import Member, sidecars_of
from db.sources.names import clean_member, decoder_of, is_utf8
from db.sources.sidecars import Sidecars, may_be_sidecar
from db.sources.zip_listing import names_of, opened
from library.archive_kinds import HEAD, UNREADABLE, UNREADABLE_SUFFIXES, ZIP_SUFFIX, kind_named, kind_of
from library.decoding.formats import no_archive
from library.errors import RejectedImage
from library.images import MAX_FILE_BYTES, check_bytes, reason_to_skip, reason_to_skip_folder
from library.ingest.items import Item
from library.messages import Message, message
from library.reasons import reason_of

DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, IndexError),
)
METHODS = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
ENCRYPTED = 0x1  # a flag of a file in a zip archive

OpenFile = Callable[[], Any]


def items_in_archive(path: str, open_file: OpenFile, place: str | None = None, sidecars: bool = True) -> Iterator[Item]:
    """Yields an item for each file; `place` is where the archive lies, if `path` is relative.

    With `sidecars`, a tar is gone through twice: what lies beside a picture may come after it. A damaged archive ends
    with an item whose reading raises RejectedImage, and one of a kind that is not read is one.
    """
    name = PurePosixPath(path).name
    seen: set[str] = set()
    try:
        beside = sidecars_of(_until_damage(name, open_file)) if sidecars else {}
        for member in _members(name, open_file, _may_be_picture):
            if item := _item(member, path, place or path, seen):
                yield _with_sidecars(item, beside.get(clean_member(member.name).rpartition("/")[0]))
        if not seen:
            yield Item(path, name, bytes, source=name, skip=message("archive_empty"))
    except RejectedImage as error:
        yield Item(path, name, partial(_refuse, error), source=name)
    except DAMAGE as error:
        yield Item(path, name, partial(_refuse, _explained(name, error)), source=name)


def _explained(name: str, error: BaseException) -> RejectedImage:
    if isinstance(error, OSError) and error.strerror:
        return RejectedImage("file_not_read", file=name, reason=reason_of(error))
    return RejectedImage("archive_damaged")


def _until_damage(name: str, open_file: OpenFile) -> Iterator[Member]:
    """Yields the files of an archive with the content of sidecars; the damage is told of when the pictures are read."""
    with suppress(RejectedImage, *DAMAGE):
        yield from _members(name, open_file, may_be_sidecar)


def _may_be_picture(path: str) -> bool:
    return reason_to_skip(path) is None


def _item(member: Member, path: str, place: str, seen: set[str]) -> Item | None:
    """Returns a file, or once the folder that it is left out with; a second file of one name has no place to itself."""
    below, skip = _outermost(clean_member(member.name) or "unnamed")
    is_repeated = below in seen
    seen.add(below)
    if is_repeated and skip:
        return None
    parts = below.split("/")
    climbs = partial(_refuse, RejectedImage("archive_climbs_out"))
    return Item(
        f"{path}/{below}",
        parts[-1],
        climbs if ".." in parts else partial(_read, member.size, member.read),
        f"{PurePosixPath(path).name}/{below}",
        skip=None if ".." in parts else skip or reason_to_skip(below) or member.skip,
        original_at="" if is_repeated else f"{place}/{below}",
    )


def _with_sidecars(item: Item, sidecars: Sidecars | None) -> Item:
    if sidecars is None:
        return item
    if item.skip:
        return replace(item, skip=sidecars.reason_if_one(item.name) or item.skip)
    return replace(item, describe=sidecars.describing(item.name))


def _outermost(name: str) -> tuple[str, Message | None]:
    """Returns the outermost folder that is left out and why, or the file itself where none is."""
    folders = name.split("/")[:-1]
    for at, folder in enumerate(folders):
        if reason := reason_to_skip_folder(folder):
            return "/".join(folders[: at + 1]), reason
    return name, None


def _read(size: int, read: Callable[[], bytes]) -> bytes:
    check_bytes(size)
    return read()


def _members(name: str, open_file: OpenFile, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yields the files of an archive, of what kind its first bytes say. Raises RejectedImage.

    Of a tar, whose files are read as they come, only those `wanted` have their content.
    """
    file = open_file()
    head = file.read(HEAD)
    kind = kind_of(head)
    file.seek(0)
    is_named_unreadable = name.lower().endswith(UNREADABLE_SUFFIXES)
    if kind in UNREADABLE or (is_named_unreadable and not kind):
        file.close()
        raise RejectedImage("archive_unreadable", kind=kind or kind_named(name))
    if not kind and (other := no_archive(head)):
        file.close()
        raise other
    if kind == "zip" or (not kind and name.lower().endswith(ZIP_SUFFIX)):
        return _zip_members(file)
    return _tar_members(file, open_file, wanted)


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    archive = opened(file)  # its members are read after it was listed: it closes with the last of them
    members = archive.infolist()
    for member, name in zip(members, names_of(members), strict=True):
        if not name.endswith("/"):
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            skip = message("link_in_archive") if is_link else None
            yield Member(name, member.file_size, partial(_read_zipped, archive, member), skip)


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Reads no more than the archive's own listing promised: a bomb says less than it holds."""
    if member.flag_bits & ENCRYPTED:
        raise RejectedImage("archive_encrypted")
    if member.compress_type not in METHODS:
        names = getattr(zipfile, "compressor_names", {})
        raise RejectedImage("archive_method", method=str(names.get(member.compress_type, member.compress_type)))
    try:
        with archive.open(member) as file:
            return file.read(member.file_size)
    except DAMAGE:
        raise RejectedImage("not_unpacked") from None


def _tar_members(file: IO[bytes], open_file: OpenFile, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yields the members as they come: a compressed tar can only be read from front to back."""
    decode: Callable[[bytes], str] | None = None
    with file, tarfile.open(fileobj=file, mode="r|*", encoding="utf-8") as archive:
        for member in archive:
            raw = _raw_name(member)
            if decode is None and not is_utf8(raw):
                decode = decoder_of(_raw_names(open_file))
            name = decode(raw) if decode else raw.decode()
            if member.isfile():
                is_read = wanted(clean_member(name)) and member.size <= MAX_FILE_BYTES
                content = archive.extractfile(member) if is_read else None
                yield Member(name, member.size, partial(bytes, content.read() if content else b""))
            elif not member.isdir():
                is_link = member.issym() or member.islnk()
                skip = message("link_in_archive") if is_link else message("no_regular_file")
                yield Member(name, 0, bytes, skip)


def _raw_names(open_file: OpenFile) -> list[bytes]:
    """Returns the names of all files, which tell together how they are encoded, as far as the archive can be read."""
    names = []
    try:
        with open_file() as file, tarfile.open(fileobj=file, mode="r|*", encoding="utf-8") as archive:
            for member in archive:
                names.append(_raw_name(member))
    except DAMAGE:
        pass  # told where the archive itself is read
    return names


def _raw_name(member: tarfile.TarInfo) -> bytes:
    return member.name.encode("utf-8", "surrogateescape")


def _refuse(error: RejectedImage) -> bytes:
    raise error
