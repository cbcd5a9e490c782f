"""Reads what the operating system or another package says of a failure, as a reason within a sentence."""

import errno
import os
import re

from library.messages import Message

MOST = 200  # characters
NUMBER = re.compile(r"\[Errno -?\d+\] ")
NUMBERS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, TimeoutError: errno.ETIMEDOUT}
OF_SYSTEM = {
    errno.ENOENT: Message("system_not_there"),
    errno.EACCES: Message("system_no_right"),
    errno.EPERM: Message("system_not_permitted"),
    errno.ENOSPC: Message("system_disk_full"),
    errno.EDQUOT: Message("system_quota_used_up"),
    errno.EROFS: Message("system_read_only"),
    errno.EISDIR: Message("system_is_folder"),
    errno.ENOTDIR: Message("system_no_folder"),
    errno.ENXIO: Message("system_no_regular_file"),
    errno.EEXIST: Message("system_exists"),
    errno.EBUSY: Message("system_busy"),
    errno.EIO: Message("system_disk_fails"),
    errno.EMFILE: Message("system_too_many_files"),
    errno.ENAMETOOLONG: Message("system_name_too_long"),
    errno.ELOOP: Message("system_links_in_circle"),
    errno.ESTALE: Message("system_stale"),
    errno.ETIMEDOUT: Message("system_timed_out"),
    errno.ECONNREFUSED: Message("system_refused"),
    errno.ECONNRESET: Message("system_broke_off"),
    errno.ENETUNREACH: Message("system_no_network"),
    errno.EHOSTUNREACH: Message("system_no_route"),
}
NAMES_UNKNOWN = ("Name or service not known", "nodename nor servname provided, or not known")  # glibc, macOS


def reason_of(error: BaseException) -> str | Message:
    """Returns the reason in one line, without the number and the file that Python adds, and without a full stop.

    What the system says often is a message, so that readers of another language get it in theirs; our own code raises
    `OSError(number, Message(…))`.
    """
    said = getattr(error, "strerror", None)
    if isinstance(said, Message):
        return said
    said = said or NUMBER.sub("", str(error).strip(), 1) or _of_kind(error)
    reason = str(said).splitlines()[0][:MOST].rstrip(". ")
    if reason in NAMES_UNKNOWN:
        return Message("system_name_unknown")
    return next((known for number, known in OF_SYSTEM.items() if os.strerror(number) == reason), reason)


def _of_kind(error: BaseException) -> str:
    """Returns what the system says of an error that says nothing itself."""
    numbers = (number for kind, number in NUMBERS.items() if isinstance(error, kind))
    return next(map(os.strerror, numbers), type(error).__name__)
