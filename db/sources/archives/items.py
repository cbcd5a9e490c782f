"""Reads pictures from zip and tar archives, without unpacking anything to disk."""

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from db.sources.archives.names import Decoded, Told, clean_member, decoder_of, is_utf8
from db.sources.archives.sidecars import Folders, Member, sidecars_of
from db.sources.archives.tar_headers import check_end, members_of, opened_tar
from db.sources.archives.unpacking import MOST_MEMBERS, Allowance, Unpacked, check_members, read_member
from db.sources.archives.zip_listing import names_of, opened, opened_without_list
from db.sources.sidecars.folder import Sidecars, may_be_sidecar
from library.decoding.archive_kinds import (
    HEAD,
    UNREADABLE,
    UNREADABLE_SUFFIXES,
    ZIP_SUFFIX,
    archive_kind,
    is_volume,
    kind_named,
)
from library.decoding.formats import no_archive
from library.errors import RejectedImage
from library.images import MAX_FILE_BYTES, check_bytes, reason_to_skip, reason_to_skip_folder
from library.ingest.items import Item
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.running.work import check_stop

DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, IndexError),
)
METHODS = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
ENCRYPTED = 0x1  # a flag of a file in a zip archive

OpenFile = Callable[[], Any]
FindSidecars = Callable[[], Folders]


def items_in_archive(
    path: str,
    open_file: OpenFile,
    place: str | None = None,
    sidecars: bool | FindSidecars = True,
    encoding: Told = "",
    most_files: int = MOST_MEMBERS,
) -> Iterator[Item]:
    """Yields an item for each file; `place` is where the archive lies, if `path` is relative.

    With `sidecars`, a tar is gone through twice: what lies beside a picture may come after it, or in another archive,
    which what finds them then knows of. `encoding` is that of names that do not tell theirs. A damaged archive, or one
    of too many files, ends with an item whose reading raises RejectedImage; one of a kind that is not read is one.
    """
    name = PurePosixPath(path).name
    seen: set[str] = set()
    told, last = False, ""
    try:
        find = partial(sidecars_in_parts, [(name, open_file)], encoding, most_files)
        beside = sidecars() if callable(sidecars) else find() if sidecars else {}
        for member in _members(name, open_file, _may_be_picture, encoding, most_files):
            if item := _item(member, path, place or path, seen):
                if member.encoding and not told and not item.skip:
                    item, told = replace(item, note=message("archive_encoding", encoding=member.encoding)), True
                yield _with_sidecars(item, beside.get(clean_member(member.name).rpartition("/")[0]))
            last = clean_member(member.name)
        if not seen:
            yield Item(path, name, bytes, source=name, skip=message("archive_empty"))
    except (RejectedImage, *DAMAGE) as error:
        yield Item(path, name, partial(_refuse, _explained(error, name, last)), source=name)


def sidecars_in_parts(
    parts: Iterable[tuple[str, OpenFile]], encoding: Told = "", most_files: int = MOST_MEMBERS
) -> Folders:
    """Returns the sidecars among the files of archives that are parts of one, given by their names."""
    return sidecars_of(
        member for name, open_file in parts for member in _until_damage(name, open_file, encoding, most_files)
    )


def _explained(error: Exception, name: str, last: str) -> RejectedImage:
    """Returns why an archive cannot be read on, after the last file that could; what the libraries say of damage tells
    nobody what to do."""
    if isinstance(error, RejectedImage):
        return error
    damage = RejectedImage("archive_damaged_after", last=last) if last else RejectedImage("archive_damaged")
    return _of_the_disk(error, name) or damage


def _of_the_disk(error: Exception, name: str) -> RejectedImage | None:
    """Returns what the operating system says, where the fault is none of the archive's."""
    is_of_system = isinstance(error, FileNotFoundError | PermissionError) or getattr(error, "errno", None)
    if not isinstance(error, OSError) or not is_of_system or error.errno == errno.EINVAL:
        return None
    return RejectedImage("file_not_read", file=name, reason=reason_of(error))


def _until_damage(name: str, open_file: OpenFile, encoding: Told, most_files: int) -> Iterator[Member]:
    """Yields the files of an archive with the content of sidecars; the damage is told of when the pictures are read."""
    with suppress(RejectedImage, *DAMAGE):
        yield from _members(name, open_file, may_be_sidecar, encoding, most_files)


def _may_be_picture(path: str) -> bool:
    return reason_to_skip(path) is None


def _item(member: Member, path: str, place: str, seen: set[str]) -> Item | None:
    """Returns the item of a file, or for the first file of a folder that is left out, that of the folder."""
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
        size=member.size,
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


def _members(
    name: str, open_file: OpenFile, wanted: Callable[[str], bool], encoding: Told, most_files: int
) -> Iterator[Member]:
    """Yields the files of an archive, of what kind its first bytes say. Raises RejectedImage.

    Of a tar, whose files are read as they come, only those `wanted` have their content.
    """
    file = open_file()
    head = file.read(HEAD)
    kind = archive_kind(head)
    file.seek(0)
    if refusal := _refusal(name, head, kind):
        file.close()
        raise refusal
    allowance = Allowance(most_files)
    if kind == "zip" or (not kind and name.lower().endswith(ZIP_SUFFIX)):
        return _zip_members(file, encoding, allowance)

    def again() -> Unpacked:
        return Unpacked(open_file(), kind, Allowance(most_files))

    # Its own reader would unpack a whole decompression bomb at once.
    return _tar_members(Unpacked(file, kind, allowance), again, wanted, encoding, allowance)


def _refusal(name: str, head: bytes, kind: str) -> RejectedImage | None:
    if not head:
        return RejectedImage("empty_file")
    if is_volume(name):
        return RejectedImage("archive_in_volumes")
    if kind in UNREADABLE or (name.lower().endswith(UNREADABLE_SUFFIXES) and not kind):
        return RejectedImage("archive_unreadable", kind=kind or kind_named(name))
    return None if kind else no_archive(head)


def _zip_members(file: IO[bytes], encoding: Told, allowance: Allowance) -> Iterator[Member]:
    # Its members are read after it was listed: it closes with the last of them.
    damage: Exception | None = None
    try:
        archive = opened(file, allowance.most_members)
    except (zipfile.BadZipFile, struct.error, EOFError) as error:
        archive, damage = opened_without_list(file, allowance), error
    members = archive.infolist()
    check_members(len(members), allowance.most_members)
    for member, found in zip(members, names_of(members, encoding), strict=True):
        check_stop()
        allowance.check_refused()
        if not found.name.endswith("/"):
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            skip = message("link_in_archive") if is_link else None
            read = partial(_read_zipped, archive, member, allowance)
            yield Member(found.name, member.file_size, read, skip, found.encoding)
    if damage:  # told behind what precedes it
        raise damage


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowance: Allowance) -> bytes:
    """Returns the bytes of a member of a zip, no more than its listing tells: a malicious one tells too little."""
    if member.flag_bits & ENCRYPTED:
        raise RejectedImage("archive_encrypted")
    if member.compress_type not in METHODS:
        names = getattr(zipfile, "compressor_names", {})
        raise RejectedImage("archive_method", method=str(names.get(member.compress_type, member.compress_type)))
    try:
        return read_member(archive, member, allowance)
    except DAMAGE as error:
        raise _of_the_disk(error, member.filename) or RejectedImage("not_unpacked") from None


def _tar_members(
    first: Unpacked, again: OpenFile, wanted: Callable[[str], bool], encoding: Told, allowance: Allowance
) -> Iterator[Member]:
    """Yields the members as they come: a compressed tar can only be read from front to back."""
    decode: Callable[[bytes], Decoded] | None = decoder_of([], encoding) if encoding else None
    with closing(first) as file, opened_tar(file) as archive:
        for member in members_of(archive, allowance.timed):
            allowance.count_member()
            raw = _raw_name(member)
            if decode is None and not is_utf8(raw):
                decode = decoder_of(_raw_names(again, allowance.most_members))
            is_told = decode is None or ("path" in member.pax_headers and is_utf8(raw))
            name = Decoded(raw.decode()) if is_told or decode is None else decode(raw)
            yield from _tar_member(archive, member, name, wanted)
        check_end(archive)


def _tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, found: Decoded, wanted: Callable[[str], bool]
) -> Iterator[Member]:
    """Yields a member of a tar, unless it is a folder."""
    if member.issparse():
        left_out = RejectedImage("sparse_in_archive")
        yield Member(found.name, 0, partial(_refuse, left_out), left_out.message)
    elif member.isfile():
        is_read = wanted(clean_member(found.name)) and member.size <= MAX_FILE_BYTES
        content = archive.extractfile(member) if is_read else None
        read = partial(bytes, content.read() if content else b"")
        yield Member(found.name, member.size, read, encoding=found.encoding)
    elif not member.isdir():
        is_link = member.issym() or member.islnk()
        yield Member(found.name, 0, bytes, message("link_in_archive") if is_link else message("no_regular_file"))


def _raw_names(open_file: OpenFile, most: int) -> list[bytes]:
    """Returns the names of all files, which tell together how they are encoded, as far as the archive can be read."""
    names = []
    try:
        with (
            closing(open_file()) as file,
            opened_tar(file) as archive,
        ):
            for member in members_of(archive, Allowance(most).timed):
                names.append(_raw_name(member))
                check_members(len(names), most)
    except (RejectedImage, *DAMAGE):
        pass  # told where the archive itself is read
    return names


def _raw_name(member: tarfile.TarInfo) -> bytes:
    return member.name.encode("utf-8", "surrogateescape")


def _refuse(error: RejectedImage) -> bytes:
    raise error
