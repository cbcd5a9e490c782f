"""Finds the sidecars in an archive: those of each folder by the path of the folder."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO

from db.sources.sidecars import MAX_BYTES, Sidecars, check_sidecar, may_be_sidecar

MAX_OF_ALL = 512 << 20  # bytes of sidecars of one tar, which are kept while it is read
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)

Readers = dict[str, Callable[[], bytes]]  # by the path in the archive, of sidecars and of all else
Folders = Mapping[str, Sidecars]


def sidecars_in_zip(file: IO[bytes]) -> Folders:
    """Returns the sidecars of a zip, which are read when they are wanted. Raises what zipfile does."""
    archive = zipfile.ZipFile(file)
    members = [member for member in archive.infolist() if not member.is_dir()]
    return _by_folder({member.filename: partial(_read_zipped, archive, member) for member in members})


def sidecars_in_tar(file: IO[bytes]) -> Folders:
    """Reads the sidecars of a tar; of a damaged one, those before the damage."""
    readers: Readers = {}
    left = MAX_OF_ALL
    with file:
        try:
            # In one that is not compressed, all else is leapt over.
            with tarfile.open(fileobj=file, mode="r:*" if file.seekable() else "r|*") as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    readers[member.name] = partial(check_sidecar, MAX_BYTES + 1)
                    if may_be_sidecar(member.name) and member.size <= min(MAX_BYTES, left):
                        content = archive.extractfile(member)
                        data = content.read() if content else b""
                        left -= len(data)
                        readers[member.name] = partial(bytes, data)
        except DAMAGE:
            pass
    return _by_folder(readers)


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    check_sidecar(member.file_size)
    try:
        with archive.open(member) as file:
            return file.read(member.file_size)
    except DAMAGE as error:
        raise OSError(str(error)) from None


def _by_folder(readers: Readers) -> Folders:
    folders: dict[str, Readers] = {}
    for path, read in readers.items():
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, {})[name] = read
    return {folder: Sidecars(found, partial(_read_from, found)) for folder, found in folders.items()}


def _read_from(readers: Readers, name: str) -> bytes:
    return readers[name]()
