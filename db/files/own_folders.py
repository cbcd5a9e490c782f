"""Recognises the folders that the library itself writes to."""

import os
from collections.abc import Collection
from pathlib import Path


class OwnFolders:
    """Recognises, by whatever path, the folders that the library itself writes to: nothing is imported from them."""

    def __init__(self, folders: Collection[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._identities = frozenset(filter(None, map(_identity, self._folders)))

    def hold(self, place: Path) -> bool:
        """Returns whether the place is one of these folders or lies below one."""
        if not self._folders:
            return False
        resolved = place.resolve()
        if any(resolved.is_relative_to(each) for each in self._folders):
            return True
        return any(_identity(each) in self._identities for each in (resolved, *resolved.parents))

    def has(self, entry: os.DirEntry[str]) -> bool:
        """Returns whether an entry is one of these folders: a disk may be mounted in two places, case may not count."""
        return bool(self._identities) and _identity(entry) in self._identities


def _identity(folder: Path | os.DirEntry[str]) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None
