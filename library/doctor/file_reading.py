"""Reads the originals and thumbnails of all pictures, and says which are not what they should be."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from library.contents.readable import FEW
from library.errors import RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, check_thumbnail, content_id
from library.ports import ImageStore

OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class FilesRead:
    """Names the pictures of which a file is wrong, or cannot be read."""

    other_originals: list[ContentId] = field(default_factory=list)  # of other bytes than those that they are named by
    damaged_thumbnails: list[ContentId] = field(default_factory=list)
    closed_originals: list[ContentId] = field(default_factory=list)
    closed_thumbnails: list[ContentId] = field(default_factory=list)


def read_files(
    store: ImageStore,
    ids: Sequence[ContentId],
    with_original: Collection[ContentId],
    with_thumbnail: Collection[ContentId],
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
) -> FilesRead:
    """Reads the files that pictures have. Raises StoreUnavailable where none of the first few originals can be read."""
    found, done = FilesRead(), 0
    few = min(FEW, sum(id in with_original for id in ids))
    for at, id in enumerate(ids):
        if should_stop():
            break
        on_progress(at, len(ids))
        if id in with_original:
            done += 1
            try:
                _read_original(store, id, found)
            except StoreUnavailable:
                found.closed_originals.append(id)
                if done == len(found.closed_originals) == few > 1:
                    raise
        if id in with_thumbnail:
            _read_thumbnail(store, id, found)
    on_progress(len(ids), len(ids))
    return found


def _read_original(store: ImageStore, id: ContentId, found: FilesRead) -> None:
    try:
        if content_id(store.original(id)) != id:
            found.other_originals.append(id)
    except UnknownPicture:  # deleted meanwhile
        pass
    except RejectedImage:  # larger than any
        found.other_originals.append(id)


def _read_thumbnail(store: ImageStore, id: ContentId, found: FilesRead) -> None:
    try:
        check_thumbnail(store.thumbnail(id))
    except UnknownPicture:
        pass
    except RejectedImage:
        found.damaged_thumbnails.append(id)
    except StoreUnavailable:
        found.closed_thumbnails.append(id)
