"""Walks through folders: says of every file whether it is wanted, and why not, without following links to folders."""

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from db.sources.sidecars import Sidecars, in_folder
from library.images import reason_to_skip, reason_to_skip_folder
from library.messages import Message, message


@dataclass(frozen=True)
class Found:
    """Names a file below a folder, or a whole folder that is left out; `problem` says that it cannot be read."""

    path: Path
    skip: Message | None = None
    problem: OSError | None = None
    sidecars: Sidecars | None = None  # of the folder that it lies in


def walk(folder: Path, own: Collection[Path] = (), sidecars: bool = True) -> Iterator[Found]:
    """Yields what lies below a folder, in the order of the names; `own` are resolved folders of the library itself."""
    under_way = [_listed(folder, own, sidecars)]  # folders may lie deeper in each other than functions may call
    while under_way:
        found = next(under_way[-1], None)
        if found is None:
            under_way.pop()
        elif isinstance(found, Found):
            yield found
        else:
            under_way.append(_listed(found, own, sidecars))


def _listed(folder: Path, own: Collection[Path], sidecars: bool) -> Iterator[Found | Path]:
    """Yields what lies in a folder; folders to go through as their paths."""
    if own and folder.resolve() in own:
        yield Found(folder, skip=message("own_folder"))
        return
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, problem=error)
        return
    names = [entry.name for entry in entries] if sidecars else []
    beside = Sidecars(names, in_folder(folder))
    for entry in entries:
        path = Path(entry.path)
        if not entry.is_dir(follow_symlinks=False):
            yield Found(path, _reason_to_skip(entry, beside), sidecars=beside)
        elif reason := reason_to_skip_folder(entry.name):
            yield Found(path, skip=reason)
        else:
            yield path


def _reason_to_skip(entry: os.DirEntry[str], sidecars: Sidecars) -> Message | None:
    if reason := sidecars.reason_if_one(entry.name) or reason_to_skip(entry.name):
        return reason
    if entry.is_file(follow_symlinks=False):
        return None
    try:
        kind = os.stat(entry.path).st_mode
    except OSError:  # gone meanwhile, or a link to nothing or to itself
        return message("link_to_nothing")
    if stat.S_ISREG(kind):
        return None
    # A pipe, a socket or a device may have no end.
    return message("link_to_folder") if stat.S_ISDIR(kind) else message("no_regular_file")
