"""Walks through folders: says of every file whether it is wanted, and why not, without following links to folders."""

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.files.own_folders import OwnFolders
from db.sources.local_files import ANYWHERE, LocalFiles
from db.sources.sidecars.folder import Read, Sidecars, in_folder
from library.images import reason_to_skip, reason_to_skip_folder
from library.messages import Message, message


@dataclass(frozen=True)
class Found:
    """Names a file below a folder, or a whole folder that is left out; `problem` says that it cannot be read."""

    path: Path
    skip: Message | None = None
    problem: OSError | None = None
    sidecars: Sidecars | None = None  # of the folder that it lies in


def walk(
    folder: Path,
    own: Collection[Path] = (),
    sidecars: bool = True,
    on_folder: Callable[[Path], None] = lambda _: None,
    looks_inside: bool = True,
    files: LocalFiles = ANYWHERE,
) -> Iterator[Found]:
    """Yields what lies below a folder, in the order of the names; `own` are the folders of the library itself.

    `on_folder` is called with every folder that is entered; without `looks_inside` sidecars are told by their names;
    `files` opens and lists them.
    However deep folders lie, the stack of calls stays flat.
    """
    own_folders = OwnFolders(own)
    if own_folders.hold(folder):
        yield Found(folder, skip=message("own_folder"))
        return
    waiting: list[tuple[Path | os.DirEntry[str], Sidecars | None]] = [(folder, None)]
    while waiting:
        entry, beside = waiting.pop()
        path = Path(entry)
        if isinstance(entry, os.DirEntry):
            reason = _reason_if_sidecar(entry, beside) or reason_to_leave_out(entry, own_folders)
            if reason or not is_folder(entry):
                yield Found(path, reason, sidecars=beside)
                continue
        try:
            entries = files.entries(path)
        except OSError as error:
            yield Found(path, problem=error)
            continue
        inside = _sidecars_in(entries, in_folder(path, files), looks_inside) if sidecars else None
        waiting.extend((each, inside) for each in reversed(entries))
        on_folder(path)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Returns whether it is a folder, which a link to one is not."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # gone meanwhile, or on a disk that fails
        return False


def reason_to_leave_out(entry: os.DirEntry[str], own: OwnFolders) -> Message | None:
    """Returns why a file is not even read, or a folder not entered."""
    if is_folder(entry):
        return message("own_folder") if own.has(entry) else reason_to_skip_folder(entry.name)
    if _is_plain_file(entry):
        return reason_to_skip(entry.name)
    if os.path.islink(entry) and os.path.isdir(entry):
        return message("link_to_folder")
    return reason_to_skip(entry.name) or _reason_not_to_open(entry)


def _sidecars_in(entries: Sequence[os.DirEntry[str]], read: Read, looks_inside: bool) -> Sidecars:
    return Sidecars([each.name for each in entries if not is_folder(each)], read, looks_inside)


def _reason_if_sidecar(entry: os.DirEntry[str], beside: Sidecars | None) -> Message | None:
    return beside.reason_if_one(entry.name) if beside and not is_folder(entry) else None


def _reason_not_to_open(entry: os.DirEntry[str]) -> Message | None:
    try:
        kind = os.stat(entry).st_mode
    except OSError:  # gone meanwhile, or a link to nothing or to itself
        return message("link_to_nothing")
    # A pipe, a socket or a device may have no end.
    return None if stat.S_ISREG(kind) else message("no_regular_file")


def _is_plain_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False
