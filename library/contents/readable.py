"""Reads the records of an image store that can be read, where single files of it cannot."""

from collections.abc import Callable, Sequence

from library.errors import StoreUnavailable
from library.images import ContentId
from library.ports import ImageStore
from library.records import Record

FEW = 10


def readable(
    store: ImageStore, ids: Sequence[ContentId], on_unreadable: Callable[[ContentId], object] = lambda _: None
) -> list[Record]:
    """Returns the records that can be read. Raises StoreUnavailable where none of the first few can."""
    try:
        return store.find_all(ids)
    except StoreUnavailable as error:
        found, closed = [], []
        for id in ids:
            try:
                found += store.find_all([id])
            except StoreUnavailable:
                closed.append(id)
                if not found and len(closed) == min(FEW, len(ids)) > 1:
                    raise error from None
        for id in closed:
            on_unreadable(id)
        return found
