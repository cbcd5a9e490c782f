"""Reads pictures from zip and tar archives, without unpacking anything to disk."""

import lzma
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
from db.sources.sidecars import Sidecars, may_be_sidecar
from library.errors import RejectedImage
from library.images import MAX_FILE_BYTES, check_bytes, reason_to_skip
from library.ingest.items import Item

ZIP_SUFFIX = ".zip"
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


def is_archive(name: str) -> bool:
    return name.lower().endswith((ZIP_SUFFIX, *TAR_SUFFIXES))


def items_in_archive(
    path: str, open_file: Callable[[], Any], place: str | None = None, sidecars: bool = True
) -> Iterator[Item]:
    """Yields an item for each file; `place` is where the archive lies, if `path` is relative.

    With `sidecars`, a tar is gone through twice: what lies beside a picture may come after it. A damaged archive ends
    with an item whose reading raises RejectedImage.
    """
    name = PurePosixPath(path).name
    try:
        beside = sidecars_of(_until_damage(name, open_file)) if sidecars else {}
        for member, size, read in _members(name, open_file(), _may_be_picture):
            item = _item(f"{path}/{member}", f"{name}/{member}", size, read, f"{place or path}/{member}")
            yield _with_sidecars(item, beside.get(member.rpartition("/")[0]))
    except DAMAGE as error:
        yield Item(path, name, partial(_refuse, RejectedImage("archive_damaged", reason=str(error))), source=name)


def _members(name: str, file: IO[bytes], wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yields the files of an archive; of a tar, whose files are read as they come, the content of those `wanted`."""
    return _zip_members(file) if name.lower().endswith(ZIP_SUFFIX) else _tar_members(file, wanted)


def _until_damage(name: str, open_file: Callable[[], Any]) -> Iterator[Member]:
    """Yields the files of an archive with the content of sidecars; the damage is told of when the pictures are read."""
    with suppress(*DAMAGE):
        yield from _members(name, open_file(), may_be_sidecar)


def _may_be_picture(path: str) -> bool:
    return reason_to_skip(path) is None


def _item(path: str, source: str, size: int, read: Callable[[], bytes], original_at: str) -> Item:
    name = PurePosixPath(source).name
    if ".." in PurePosixPath(source).parts:
        return Item(path, name, partial(_refuse, RejectedImage("archive_climbs_out")), source=name)
    skip = reason_to_skip(source.partition("/")[2])
    return Item(path, name, partial(_read, size, read), source, skip=skip, original_at=original_at)


def _with_sidecars(item: Item, sidecars: Sidecars | None) -> Item:
    if sidecars is None:
        return item
    if item.skip:
        return replace(item, skip=sidecars.reason_if_one(item.name) or item.skip)
    return replace(item, describe=sidecars.describing(item.name))


def _read(size: int, read: Callable[[], bytes]) -> bytes:
    check_bytes(size)
    return read()


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    archive = zipfile.ZipFile(file)  # its members are read after it was listed: it closes with the last of them
    for member in archive.infolist():
        if not member.is_dir():
            yield member.filename, member.file_size, partial(_read_zipped, archive, member)


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Reads no more than the archive's own listing promised: a bomb says less than it holds."""
    try:
        with archive.open(member) as file:
            return file.read(member.file_size)
    except DAMAGE as error:
        raise RejectedImage("not_unpacked", reason=str(error)) from None


def _tar_members(file: IO[bytes], wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yields the members as they come: a compressed tar can only be read from front to back."""
    with file, tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            if member.isfile():
                is_read = wanted(member.name) and member.size <= MAX_FILE_BYTES
                content = archive.extractfile(member) if is_read else None
                yield member.name, member.size, partial(bytes, content.read() if content else b"")


def _refuse(error: RejectedImage) -> bytes:
    raise error
