"""Finds what a pattern names, by the same rule as a walk through folders: links to folders are not followed."""

import os
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatch
from glob import has_magic
from pathlib import Path

from db.files.own_folders import OwnFolders
from db.sources.local_files import ANYWHERE, LocalFiles
from db.sources.walk import Found, is_folder, reason_to_leave_out
from library.decoding.archive_kinds import is_archive
from library.messages import message

ANY_DEPTH = "**"
Waiting = list[tuple[Path, Sequence[str]]]  # folders, and what is to be matched in each


def is_pattern(text: str) -> bool:
    """Returns whether the text may name several files at once."""
    return has_magic(text)


def matching(pattern: str, own: Collection[Path] = (), files: LocalFiles = ANYWHERE) -> list[Found]:
    """Returns the files and folders that a pattern names, by their paths, with what stands there and is left out.

    What lies in a folder that the pattern names, too, is not listed once more. `files` lists the folders.
    """
    parts = Path(pattern).parts
    fixed = next((place for place, part in enumerate(parts) if is_pattern(part)), len(parts))
    if fixed == len(parts):
        return []
    found = {each.path: each for each in _matching(Path(*parts[:fixed]), parts[fixed:], own, files)}
    folders = {path for path, each in found.items() if not each.skip and os.path.isdir(path)}
    return [found[path] for path in sorted(found) if folders.isdisjoint(path.parents)]


def _matching(root: Path, parts: Sequence[str], own: Collection[Path], files: LocalFiles) -> Iterator[Found]:
    own_folders = OwnFolders(own)
    if own_folders.hold(root):
        yield Found(root, skip=message("own_folder"))
        return
    waiting: Waiting = [(root, parts)]
    while waiting:
        folder, (part, *rest) = waiting.pop()
        try:
            entries = files.entries(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            yield Found(folder, problem=error)
            continue
        if part == ANY_DEPTH:
            waiting.append((folder, rest or ["*"]))
        for entry in entries:
            if part == ANY_DEPTH:
                yield from _entered(entry, [part, *rest], own_folders, waiting)
            elif fnmatch(entry.name, part) and rest:
                yield from _entered(entry, rest, own_folders, waiting)
            elif fnmatch(entry.name, part):
                reason = None if _is_archive(entry) else reason_to_leave_out(entry, own_folders)
                yield Found(Path(entry), skip=reason)


def _entered(entry: os.DirEntry[str], parts: Sequence[str], own: OwnFolders, waiting: Waiting) -> Iterator[Found]:
    """Adds a folder to those that are still to be looked through, or yields why it is left out."""
    if not (is_folder(entry) or (entry.is_symlink() and os.path.isdir(entry))):
        return
    if reason := reason_to_leave_out(entry, own):
        yield Found(Path(entry), skip=reason)
    else:
        waiting.append((Path(entry), parts))


def _is_archive(entry: os.DirEntry[str]) -> bool:
    return is_archive(entry.name) and os.path.isfile(entry) and not entry.name.startswith(".")
