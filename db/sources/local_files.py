"""Opens the files and lists the folders that pictures come from, anywhere on this machine or below some folders."""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from library.errors import NotAllowed, RejectedImage
from library.images import check_bytes

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# A folder that may be entered need not be readable.
ENTERED = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | NO_LINK
LISTED = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.listdir in os.supports_fd and NO_LINK != 0


class LocalFiles:
    """Opens files and lists folders wherever they lie. Nothing else reads the files that pictures come from."""

    def check(self, path: str | Path) -> None:
        """Raises NotAllowed for a file or a folder that may not be read."""

    def open(self, path: Path) -> BinaryIO:
        """Opens a file for reading, without waiting for whoever writes into a pipe. Raises OSError or RejectedImage."""
        return open(path, "rb", opener=self._descriptor)

    def entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Returns what lies in a folder, in the order of the names. Raises OSError."""
        with os.scandir(folder) as listed:
            return sorted(listed, key=lambda entry: entry.name)

    def _descriptor(self, path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


ANYWHERE = LocalFiles()


class FilesBelow(LocalFiles):
    """Opens and lists only what really lies below some folders, whatever links are put in its place meanwhile.

    Links that lead from below these folders to below them are followed.
    """

    def __init__(self, folders: Iterable[Path], named: str) -> None:
        """Takes folders, which may be links themselves; errors call them as they were `named`."""
        self._roots = [os.path.realpath(folder) for folder in folders]
        self._named = named
        self._real_folders: dict[str, str] = {}

    def check(self, path: str | Path) -> None:
        """Follows the links to each folder once: it tells early what opening a file finds out anew."""
        if self._below_folder(*os.path.split(path)) is None:
            raise NotAllowed("source_not_allowed", source=str(path), prefixes=self._named)

    def entries(self, folder: Path) -> list[os.DirEntry[str]]:
        found = super().entries(folder)
        names = self._names(folder)
        return [each for each in found if each.name in names]

    def _names(self, folder: Path) -> frozenset[str]:
        try:
            if not HAS_DESCRIPTORS:
                return frozenset(os.listdir(Path(*self._real(folder))))
            descriptor = self._descriptor(str(folder), LISTED)
        except RejectedImage:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from None
        try:
            return frozenset(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    def _descriptor(self, path: str, flags: int) -> int:
        root, below = self._real(Path(path))
        try:
            if HAS_DESCRIPTORS:
                return _opened_below(root, below, flags)
            return self._opened_and_compared(str(Path(root, below)), flags)
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link where none was a moment ago
                raise self._refusal(path) from None
            raise

    def _real(self, path: Path) -> tuple[str, str]:
        """Returns the folder that a path really lies below, and the path below it. Raises RejectedImage."""
        if found := self._below(path):
            return found
        raise self._refusal(str(path))

    def _below(self, path: Path) -> tuple[str, str] | None:
        try:
            real = os.path.realpath(path)
        except (OSError, ValueError):  # a null byte
            return None
        return self._split(real)

    def _below_folder(self, folder: str, name: str) -> tuple[str, str] | None:
        try:
            if folder not in self._real_folders:
                self._real_folders[folder] = os.path.realpath(folder)
            path = os.path.join(self._real_folders[folder], name)
            is_plain = name not in ("", os.curdir, os.pardir) and not os.path.islink(path)
        except (OSError, ValueError):
            return None
        return self._split(path) if is_plain else self._below(Path(path))

    def _split(self, real: str) -> tuple[str, str] | None:
        for root in self._roots:
            if real == root:
                return root, ""
            if real.startswith(below := os.path.join(root, "")):
                return root, real[len(below) :]
        return None

    def _opened_and_compared(self, real: str, flags: int) -> int:
        """Opens a file, and closes it again where its path leads elsewhere by then."""
        descriptor = os.open(real, flags)
        if os.path.realpath(real) == real and os.path.samestat(os.fstat(descriptor), os.lstat(real)):
            return descriptor
        os.close(descriptor)
        raise self._refusal(real)

    def _refusal(self, path: str) -> RejectedImage:
        return RejectedImage("source_not_allowed", source=path, prefixes=self._named)


def _opened_below(root: str, below: str, flags: int) -> int:
    """Opens a file or a folder by one part of its path after the other, none of which may be a link. Raises OSError."""
    flags |= NO_LINK | getattr(os, "O_NONBLOCK", 0)
    if not below:
        return os.open(root, flags)
    *folders, name = below.split(os.sep)
    folder = os.open(root, ENTERED)
    try:
        for part in folders:
            inner = os.open(part, ENTERED, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def read_regular(path: Path, check_size: Callable[[int], None] = check_bytes, files: LocalFiles = ANYWHERE) -> bytes:
    """Returns the bytes of a file. Raises OSError, RejectedImage, and what `check_size` raises before it is read.

    It is opened once, so that what is checked is what is read; a pipe or a device, which may have no end, is refused.
    """
    try:
        with files.open(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise RejectedImage("no_regular_file")
            check_size(found.st_size)
            return file.read(found.st_size)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO):  # a folder, a socket
            raise RejectedImage("no_regular_file") from None
        raise
