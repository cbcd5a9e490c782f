"""Packs: pictures with their vectors, in a folder that another library takes in without encoding."""

import json
import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

import numpy as np

from library.errors import InvalidContentId, InvalidPack, LikenessError, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import (
    EXTENSIONS,
    MAX_FILE_BYTES,
    MAX_PIXELS,
    ContentId,
    check_thumbnail,
    content_id,
    parse_content_id,
)
from library.ingest.prefetch import prefetch
from library.ingest.receipts import FileReceipt, Status
from library.ports import Collection, EncoderInfo, ImageStore, LoadedCollection, Vector, Vectors
from library.records import NOT_KEPT, Metadata, Record, clean_name

BATCH_ROWS = 1000
BATCH_BYTES = 64 << 20  # bounds the memory that originals take
BATCHES_AHEAD = 1
STORE_THREADS = 8
THUMBNAIL_BYTES = 20_000  # about
MAX_RECORD_BYTES = 65_536  # what a server keeps of a row beside its vector
UNIT_TOLERANCE = 1e-2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Packed = Literal["packed", "without original", "without vector", "gone"]


@dataclass(frozen=True)
class Contents:
    """What a pack holds of every picture beside its record and its vector."""

    thumbnails: bool = False
    originals: bool = False


@dataclass(frozen=True)
class Manifest:
    """What a pack says of itself."""

    model: str
    revision: str
    dimension: int
    preprocessing: Mapping[str, Any]
    count: int
    contents: Contents


@dataclass(frozen=True)
class PackedPicture:
    record: Record
    vector: Vector
    thumbnail: bytes | None
    original: bytes | None


@dataclass(frozen=True)
class Row:
    """A row as it was found. Its types are right; nothing else has been checked, and any field may be None.

    Fields are those of a record, `metadata` as JSON and `added` as a datetime, with `thumbnail` and `original`.
    """

    place: str
    fields: Mapping[str, Any]
    vector: Vector


class PackWriter(Protocol):
    @property
    def contents(self) -> Contents: ...
    def write(self, pictures: Sequence[PackedPicture]) -> None: ...
    def finish(self, encoder: EncoderInfo) -> None:
        """Writes the manifest: only now it is a pack."""
        ...


class Pack(Protocol):
    """A pack whose manifest is sound and agrees with what its files say of themselves."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def files(self) -> Sequence[str]: ...
    def check(self, file: str) -> None:
        """Raises InvalidPack for a file that is not the one that was written."""
        ...

    def rows(self) -> Generator[Sequence[Row], None, None]:
        """At most BATCH_ROWS at a time. Raises InvalidPack."""
        ...


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
    with ThreadPoolExecutor(STORE_THREADS) as pool:
        for records in _groups(store, writer.contents):
            if should_stop():
                return
            vectors = index.vectors([record.img_path for record in records])
            present = [record for record in records if record.content_id in vectors]
            taken = pool.map(lambda record: _taken(store, original, record, writer.contents), present)
            pictures = [
                _packed(record, vectors[record.content_id], *files)
                for record, files in zip(present, taken, strict=True)
                if files
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


def _taken(
    store: ImageStore, original: Callable[[ContentId], bytes], record: Record, contents: Contents
) -> tuple[bytes | None, bytes | None] | None:
    """Thumbnail and original as far as they are wanted; None for a picture that was deleted meanwhile."""
    try:
        thumbnail = store.thumbnail(record.content_id) if contents.thumbnails else None
    except UnknownPicture:
        return None
    return thumbnail, _whole(original, record.content_id) if contents.originals else None


def _whole(original: Callable[[ContentId], bytes], id: ContentId) -> bytes | None:
    try:
        data = original(id)
    except StoreUnavailable:
        raise
    except LikenessError:
        return None
    return data if content_id(data) == id else None


def _outcome(picture: PackedPicture, contents: Contents) -> Packed:
    return "without original" if contents.originals and picture.original is None else "packed"


def fits(manifest: Manifest, encoder: EncoderInfo) -> bool:
    """Whether the vectors of the pack lie in the space of this encoder, as far as its name tells."""
    theirs = (manifest.model, manifest.revision, manifest.dimension)
    return theirs == (encoder.name, encoder.fingerprint, encoder.dim)


def check_fits(manifest: Manifest, encoder: EncoderInfo) -> None:
    """Raises InvalidPack for a pack of another model, or of pictures that were prepared otherwise for it."""
    if not fits(manifest, encoder):
        ours = _model(encoder.name, encoder.fingerprint, encoder.dim)
        theirs = _model(manifest.model, manifest.revision, manifest.dimension)
        advice = (
            f"CLIP_MODEL={manifest.model}{'' if '/' in manifest.model else ', or a folder of that name,'} takes it."
        )
        if manifest.model == encoder.name:
            advice = "It takes that revision of the model."
        raise InvalidPack(f"This pack is of {theirs}; here answers {ours}. {advice}")
    names = sorted({*manifest.preprocessing, *encoder.preprocessing})
    pairs = [(name, manifest.preprocessing.get(name), encoder.preprocessing.get(name)) for name in names]
    differences = [f"{name} {theirs} there, {ours} here" for name, theirs, ours in pairs if theirs != ours]
    if differences:
        raise InvalidPack(f"This pack's pictures were prepared otherwise for {encoder.name}: {'; '.join(differences)}.")


def _model(name: str, revision: str, dimension: int) -> str:
    return f"{name} (revision {revision[:12]}, {dimension} numbers)"


def check_files(pack: Pack, should_stop: Callable[[], bool]) -> None:
    """Raises InvalidPack for the first file that is damaged."""
    for file in pack.files:
        if should_stop():
            return
        pack.check(file)


def unpack(
    pack: Pack,
    store: ImageStore,
    collection: Collection,
    index: LoadedCollection,
    changes: threading.Lock,
    should_stop: Callable[[], bool],
) -> Iterator[FileReceipt]:
    """Yields a receipt per row, in order; a bad row never stops the rest. What is there already is left as it is.

    Raises InvalidPack, StoreUnavailable or IndexUnavailable: what was kept until then is complete, and the same call
    later does the rest.
    """
    with closing(prefetch(_checked_batches(pack), BATCHES_AHEAD)) as batches:
        for batch in batches:
            with changes, ThreadPoolExecutor(STORE_THREADS) as pool:
                _Unpacking(store, collection, index, pool).keep([row for row in batch if isinstance(row, _Arrival)])
            yield from (row.receipt if isinstance(row, _Arrival) else row for row in batch)
            if should_stop():
                return


@dataclass
class _Arrival:
    """One sound row on its way in."""

    place: str
    picture: PackedPicture
    known: Record | None = None
    lacks_row: bool = True
    lacks_original: bool = False
    status: Status | None = None
    reason: str | None = None

    @property
    def receipt(self) -> FileReceipt:
        assert self.status
        return FileReceipt(self.place, self.status, self.id, self.reason)

    @property
    def id(self) -> ContentId:
        return self.picture.record.content_id

    def settle(self, status: Status, reason: str | None = None) -> None:
        self.status, self.reason = status, reason


def _checked_batches(pack: Pack) -> Generator[list[_Arrival | FileReceipt], None, None]:
    """The receipts are those of bad rows. Read ahead, since checking originals takes its time too."""
    with closing(pack.rows()) as batches:
        for batch in batches:
            sound = _are_of_unit_length(np.stack([row.vector for row in batch]))
            yield [_checked(row, ok) for row, ok in zip(batch, sound, strict=True)]


def _are_of_unit_length(vectors: Vectors) -> Sequence[bool]:
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        are: list[bool] = (np.isfinite(lengths) & (np.abs(lengths - 1) <= UNIT_TOLERANCE)).tolist()
    return are


def _checked(row: Row, has_unit_length: bool) -> _Arrival | FileReceipt:
    try:
        if not has_unit_length:
            raise RejectedImage("Its vector is not finite and of unit length.")
        return _Arrival(row.place, _picture(row))
    except (RejectedImage, InvalidContentId) as error:
        return FileReceipt(row.place, "rejected", reason=str(error))


class _Unpacking:
    """Keeps one batch, while nothing else changes the library."""

    def __init__(
        self, store: ImageStore, collection: Collection, index: LoadedCollection, pool: ThreadPoolExecutor
    ) -> None:
        self._store = store
        self._collection = collection
        self._index = index
        self._pool = pool

    def keep(self, arrivals: Sequence[_Arrival]) -> None:
        """Settles all of them. Files first, then rows, as everywhere."""
        self._look_up(arrivals)
        self._store_all([arrival for arrival in arrivals if not arrival.status])
        self._insert([arrival for arrival in arrivals if not arrival.status])

    def _look_up(self, arrivals: Sequence[_Arrival]) -> None:
        ids = list(dict.fromkeys(arrival.id for arrival in arrivals))
        known = {record.content_id: record for record in self._store.find_all(ids)}
        rows = self._index.present([record.img_path for record in known.values()])
        lacking = self._lacking_originals(arrivals, known)
        seen: set[ContentId] = set()
        for arrival in arrivals:
            arrival.known = known.get(arrival.id)
            arrival.lacks_row = arrival.id not in rows
            arrival.lacks_original = arrival.id in lacking
            if arrival.id in seen:
                arrival.settle("duplicate", "The same picture as one before it in this pack.")
            elif arrival.known and not (arrival.lacks_row or arrival.lacks_original):
                arrival.settle("duplicate", f"The same picture as {arrival.known.name}.")
            elif not (arrival.known or arrival.picture.thumbnail):
                arrival.settle("skipped", "The picture is neither in the image store nor in this pack.")
            seen.add(arrival.id)

    def _lacking_originals(
        self, arrivals: Iterable[_Arrival], known: Mapping[ContentId, Record]
    ) -> frozenset[ContentId]:
        """The stored pictures whose original only the pack has."""
        offered = dict.fromkeys(arrival.id for arrival in arrivals if arrival.picture.original is not None)
        records = [known[id] for id in offered if id in known]
        has_original = self._pool.map(self._store.has_original, records)
        return frozenset(record.content_id for record, has in zip(records, has_original, strict=True) if not has)

    def _store_all(self, arrivals: Sequence[_Arrival]) -> None:
        errors = list(self._pool.map(self._store_one, arrivals))
        if errors and all(isinstance(error, StoreUnavailable) for error in errors):
            raise StoreUnavailable(str(errors[0]))
        for arrival, error in zip(arrivals, errors, strict=True):
            if error:
                arrival.settle("rejected", str(error))

    def _store_one(self, arrival: _Arrival) -> LikenessError | None:
        picture, known = arrival.picture, arrival.known
        try:
            if known is None:
                self._store.add(picture.record, picture.original, picture.thumbnail or b"")
            elif arrival.lacks_original:
                whole = replace(known, original_at="")
                self._store.add(whole, picture.original, self._store.thumbnail(arrival.id))
        except (StoreUnavailable, UnknownPicture) as error:
            return error
        return None

    def _insert(self, arrivals: Sequence[_Arrival]) -> None:
        lacking = [arrival for arrival in arrivals if arrival.lacks_row]
        if lacking:
            records = [arrival.known or arrival.picture.record for arrival in lacking]
            self._collection.upsert(records, np.stack([arrival.picture.vector for arrival in lacking]))
        for arrival in arrivals:
            arrival.settle("new", None if arrival.lacks_row else "The picture was there; its original was added.")


def _picture(row: Row) -> PackedPicture:
    """Packs come from strangers. Raises RejectedImage or InvalidContentId for a row that no library has written."""
    original = row.fields.get("original")
    record = _record(row.fields, has_original=original is not None)
    if original is not None and content_id(original) != record.content_id:
        raise RejectedImage("Its original is not the picture of its content ID.")
    thumbnail = row.fields.get("thumbnail")
    if thumbnail is not None:
        check_thumbnail(thumbnail)
    return PackedPicture(record, row.vector, thumbnail, original)


def _record(fields: Mapping[str, Any], has_original: bool) -> Record:
    missing = [field.name for field in dataclass_fields(Record) if fields.get(field.name) is None]
    if missing:
        raise RejectedImage(f"It has no {', '.join(missing)}.")
    id = parse_content_id(fields["content_id"])
    if fields["format"] not in EXTENSIONS:
        raise RejectedImage(f"{fields['format'][:20]!r} is no format of pictures that are kept here.")
    if fields["img_path"] != f"images/{id[:2]}/{id}.{EXTENSIONS[fields['format']]}":
        raise RejectedImage("Its path is not that of its content ID.")
    _check_numbers(fields)
    record = Record(
        content_id=id,
        img_path=fields["img_path"],
        name=clean_name(fields["name"]),
        format=fields["format"],
        width=fields["width"],
        height=fields["height"],
        bytes=fields["bytes"],
        added=fields["added"].isoformat(timespec="microseconds").replace("+00:00", "Z"),
        source=fields["source"],
        metadata=_metadata(fields["metadata"]),
        original_at="" if has_original else fields["original_at"] or NOT_KEPT,
    )
    _check_size(record)
    return record


def _check_numbers(fields: Mapping[str, Any]) -> None:
    width, height, size = fields["width"], fields["height"], fields["bytes"]
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        raise RejectedImage(f"{width} x {height} are not the pixels of a picture.")
    if not 0 < size <= MAX_FILE_BYTES:
        raise RejectedImage(f"{size} is not the number of bytes of a picture.")
    if not EPOCH <= fields["added"] <= datetime.now(UTC) + timedelta(days=1):
        raise RejectedImage(f"Nothing can have been added at {fields['added'].isoformat()}.")


def _check_size(record: Record) -> None:
    try:
        size = len(record.to_json().encode())
    except UnicodeEncodeError:  # JSON can hold half a character
        raise RejectedImage("Its metadata are not text.") from None
    if size > MAX_RECORD_BYTES:
        raise RejectedImage(f"Its record has {size:,} bytes: {MAX_RECORD_BYTES:,} are the most that is kept.")


def _metadata(text: str) -> Metadata:
    if len(text) > MAX_RECORD_BYTES * 3:  # escapes are longer than what they stand for
        raise RejectedImage("Its metadata are too long.")
    try:
        metadata = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        raise RejectedImage("Its metadata are not JSON that can be kept.") from None
    if not isinstance(metadata, dict):
        raise RejectedImage("Its metadata are not names and values.")
    return metadata


def _integer(text: str) -> int:
    """Raises ValueError for one that Milvus cannot keep."""
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
