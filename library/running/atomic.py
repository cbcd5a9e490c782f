"""Writes files so that a kill or a power cut leaves the old content or the new, and appends whole lines to logs."""

import os
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from library.running.disk import check_regular

PARTIAL_SUFFIX = ".partial"
ABANDONED_AFTER = 3600  # seconds: a younger partial file may be another process's work in hand


def write_atomically(path: Path, chunks: Iterable[bytes], modified: datetime | None = None) -> None:
    """Writes a hidden file beside `path` and gives it that name once its bytes are on the disk.

    A kill can leave the hidden one, whose name ends in `PARTIAL_SUFFIX`. Raises OSError.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        if modified:
            os.utime(partial, (modified.timestamp(),) * 2)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def is_abandoned(partial: os.stat_result) -> bool:
    """Tells whether a killed writer has left this hidden file."""
    return time.time() - partial.st_mtime > ABANDONED_AFTER


def is_in_hand(path: Path) -> bool:
    """Tells whether another process may still be writing this hidden file."""
    try:
        return path.name.endswith(PARTIAL_SUFFIX) and not is_abandoned(path.lstat())
    except FileNotFoundError:  # it has just been given its name
        return True


def remove_abandoned(folder: Path) -> None:
    """Removes from a folder what killed writers have left there, as far as it can be removed."""
    for partial in folder.glob(f".*{PARTIAL_SUFFIX}"):
        with suppress(OSError):
            if is_abandoned(partial.stat()):
                partial.unlink()


def make_private(folder: Path) -> None:
    """Makes a folder that no other user of the machine may enter; one that is there keeps its rights.

    Where it cannot be made, whoever writes into it says so.
    """
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def append_lines(path: Path, lines: Iterable[bytes], syncs: bool = True) -> None:
    """Appends the lines, each without its end, in one write: those of two processes never mix.

    `syncs` waits until they are on the disk. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    check_regular(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    with open(descriptor, "r+b", buffering=0) as file:
        file.write(b"\n" * _ends_amid_a_line(descriptor) + b"".join(line + b"\n" for line in lines))
        if syncs:
            os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Waits until the names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_amid_a_line(descriptor: int) -> bool:
    """Tells whether a killed process has left a line without its end."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
