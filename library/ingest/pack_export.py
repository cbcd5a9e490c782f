"""Exports the pictures of a library as a pack."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from library.errors import LikenessError, StoreUnavailable, UnknownPicture
from library.images import ContentId, content_id
from library.ingest.packs import BATCH_ROWS, Contents, Packed, PackedPicture, PackWriter
from library.ports import ImageStore, LoadedCollection, Vector
from library.records import Record
from library.running.work import worker_pool

BATCH_BYTES = 64 << 20  # bounds the memory that originals take
STORE_THREADS = 8
THUMBNAIL_BYTES = 20_000  # about


def pack_up(
    store: ImageStore,
    original: Callable[[ContentId], bytes],
    index: LoadedCollection,
    writer: PackWriter,
    should_stop: Callable[[], bool],
) -> Iterator[Packed]:
    """Writes every picture that has a row, newest first, and yields what became of each; the manifest is not written.

    `original` may raise any LikenessError for one that is not to be had: the picture is packed without it.
    """
    with worker_pool(STORE_THREADS) as pool:
        for records in _groups(store, writer.contents):
            if should_stop():
                return
            vectors = index.vectors([record.img_path for record in records])
            present = [record for record in records if record.content_id in vectors]
            files = pool.map(lambda record: _files_of(store, original, record, writer.contents), present)
            pictures = [
                _packed(record, vectors[record.content_id], *its)
                for record, its in zip(present, files, strict=True)
                if its
            ]
            if pictures:
                writer.write(pictures)
            outcomes = {picture.record.content_id: _outcome(picture, writer.contents) for picture in pictures}
            for record in records:
                missing: Packed = "gone" if record.content_id in vectors else "without vector"
                yield outcomes.get(record.content_id, missing)


def _packed(record: Record, vector: Vector, thumbnail: bytes | None, original: bytes | None) -> PackedPicture:
    return PackedPicture(record if original is None else replace(record, original_at=""), vector, thumbnail, original)


def _groups(store: ImageStore, contents: Contents) -> Iterator[list[Record]]:
    group: list[Record] = []
    size = 0
    for record in _records(store):
        weight = THUMBNAIL_BYTES * contents.thumbnails + record.bytes * contents.originals
        if group and (len(group) == BATCH_ROWS or size + weight > BATCH_BYTES):
            yield group
            group, size = [], 0
        group.append(record)
        size += weight
    if group:
        yield group


def _records(store: ImageStore) -> Iterator[Record]:
    ids = store.ids()
    for start in range(0, len(ids), BATCH_ROWS):
        yield from store.find_all(ids[start : start + BATCH_ROWS])


def _files_of(
    store: ImageStore, original: Callable[[ContentId], bytes], record: Record, contents: Contents
) -> tuple[bytes | None, bytes | None] | None:
    """Returns thumbnail and original as far as they are wanted; None for a picture that was deleted meanwhile."""
    try:
        thumbnail = store.thumbnail(record.content_id) if contents.thumbnails else None
    except UnknownPicture:
        return None
    return thumbnail, _intact(original, record.content_id) if contents.originals else None


def _intact(original: Callable[[ContentId], bytes], id: ContentId) -> bytes | None:
    try:
        data = original(id)
    except StoreUnavailable:
        raise
    except LikenessError:
        return None
    return data if content_id(data) == id else None


def _outcome(picture: PackedPicture, contents: Contents) -> Packed:
    return "without original" if contents.originals and picture.original is None else "packed"
