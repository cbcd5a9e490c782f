"""Notices a damaged header within a tar, which tarfile takes for the end of the archive."""

import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

DESCRIBES_THE_NEXT = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
LONGEST_DESCRIPTION = 1 << 20  # bytes
LONGEST_LENGTH = 8  # characters that say how long a line of attributes is
# More digits than a name or a moment has: tarfile searches them again from each one on, while nothing else runs.
ENDLESS_NUMBER = re.compile(rb"[0-9]{256}")
GOES_ON = 504  # where a block of a list of holes says whether there is another
END = "EOFHeaderError"  # of the blocks of zeros; types of tarfile know it not


class TarHeader(tarfile.TarInfo):
    """Describes a file of a tar; raises tarfile.ReadError where there is neither another header nor the end.

    So it does for a name or a table of attributes that is longer than any: tarfile would hold all of it. Of a file that
    is stored with holes, whose list of them may be as long, the list is not read.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in DESCRIBES_THE_NEXT and header.size > LONGEST_DESCRIPTION:
            raise tarfile.ReadError("a name without end")
        return header

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ == END:
                raise
            raise tarfile.ReadError(str(error)) from error

    def _proc_pax(self, archive: Any) -> Any:
        header: Any = self
        tarfiles_own: Any = super()
        description = archive.fileobj.read(header._block(header.size))
        check_attributes(description)
        if header.type == tarfile.XGLTYPE:
            check_length(archive.pax_headers, len(description))
        archive.fileobj = _ReadBefore(archive, description)
        return tarfiles_own._proc_pax(archive)

    def _proc_sparse(self, archive: Any) -> Self:
        header: Any = self
        _, goes_on, whole_size = header._sparse_structs
        while goes_on:
            goes_on = bool(archive.fileobj.read(tarfile.BLOCKSIZE)[GOES_ON])
        header.sparse = []
        self.offset_data = archive.fileobj.tell()
        archive.offset = self.offset_data + header._block(self.size)
        self.size = whole_size
        return self

    def _proc_gnusparse_00(self, next: Any, *_: object) -> None:
        next.sparse = []

    _proc_gnusparse_01 = _proc_gnusparse_10 = _proc_gnusparse_00


class _ReadBefore:
    """Gives tarfile what was read of its archive already, once, and then the archive itself."""

    def __init__(self, archive: Any, data: bytes) -> None:
        self._archive = archive
        self._stream = archive.fileobj
        self._data = data

    def read(self, size: int) -> bytes:
        self._archive.fileobj = self._stream
        return self._data


def check_attributes(description: bytes) -> None:
    """Raises tarfile.ReadError for a table of attributes whose lines are not as long as they say.

    Versions of Python before 3.11.10 go through such a table without end, or hold it a thousandfold.
    """
    at = 0
    while at < len(description) and description[at]:
        length, space, _ = description[at : at + LONGEST_LENGTH].partition(b" ")
        end = at + int(length) if space and length.isdigit() else 0
        if description[end - 1 : end] != b"\n" or b"=" not in description[at:end]:
            raise tarfile.ReadError("attributes of another length")
        at = end
    if ENDLESS_NUMBER.search(description):
        raise tarfile.ReadError("a number without end")


def check_length(attributes: Mapping[str, str], further: int) -> None:
    """Raises tarfile.ReadError where the attributes of all files together would be longer than any description."""
    if sum(map(len, attributes.values())) + further > LONGEST_DESCRIPTION + tarfile.BLOCKSIZE:
        raise tarfile.ReadError("attributes without end")


def opened_tar(file: Any) -> tarfile.TarFile:
    """Opens a tar that is read from front to back."""
    return tarfile.open(fileobj=file, mode="r|", encoding="utf-8", tarinfo=TarHeader)


def members_of(
    archive: tarfile.TarFile, timed: Callable[[], AbstractContextManager[None]]
) -> Iterator[tarfile.TarInfo]:
    """Yields the headers of a tar that is read from front to back, each search for the next one within `timed`.

    It lets go of those that were read: tarfile keeps them all, which fills the memory.
    """
    while True:
        with timed():
            member = archive.next()
        if member is None:
            return
        archive.__dict__["members"] = []
        yield member


def check_end(archive: tarfile.TarFile) -> None:
    """Raises tarfile.ReadError where more than zeros follows the end of an archive that is read as a stream."""
    is_over = False
    while not is_over and archive.fileobj:
        block = archive.fileobj.read(tarfile.RECORDSIZE)
        if block.strip(b"\0"):
            raise tarfile.ReadError("data after the end")
        is_over = len(block) < tarfile.RECORDSIZE
