"""Notices a damaged header within a tar, which tarfile takes for the end of the archive."""

import tarfile
from typing import Any, Self

DESCRIBES_THE_NEXT = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
LONGEST_DESCRIPTION = 1 << 20  # bytes
END = "EOFHeaderError"  # of the blocks of zeros; types of tarfile know it not


class TarHeader(tarfile.TarInfo):
    """Describes a file of a tar; raises tarfile.ReadError where there is neither another header nor the end.

    So it does for a name or a table of attributes that is longer than any: tarfile would hold all of it.
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


def opened_tar(file: Any) -> tarfile.TarFile:
    """Opens a tar that is read from front to back."""
    return tarfile.open(fileobj=file, mode="r|", encoding="utf-8", tarinfo=TarHeader)


def forget_members(archive: tarfile.TarFile) -> None:
    """Lets go of the headers that were read so far: tarfile keeps them all, which fills the memory."""
    archive.__dict__["members"] = []


def check_end(archive: tarfile.TarFile) -> None:
    """Raises tarfile.ReadError where more than zeros follows the end of an archive that is read as a stream."""
    while block := archive.fileobj.read(tarfile.RECORDSIZE) if archive.fileobj else b"":
        if block.strip(b"\0"):
            raise tarfile.ReadError("data after the end")
