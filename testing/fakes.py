"""Holds small fakes of the store, the database and the encoder, which pass the contracts of the real ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.contents.stored_files import FileKind, StoredFile
from library.errors import UnknownCollection, UnknownPicture
from library.images import ContentId
from library.models import Models, ModelSource
from library.ports import (
    Encoder,
    EncoderInfo,
    Explained,
    Hit,
    IndexFault,
    IndexStatus,
    Question,
    StoredCollection,
    Vector,
    Vectors,
)
from library.records import Record, id_of
from library.search.filters import Filter
from library.search.heat import Patches
from library.trash.entries import Trashed

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


class ColourEncoder:
    """Encodes a picture as its mean colour, and a text as that of its colour words, of which it reads eight."""

    info = EncoderInfo("colour", "0" * 12, 3, "cpu", "float32")

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return _unit_rows([np.asarray(image).reshape(-1, 3).mean(axis=0) + 1e-3 for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return _unit_rows([sum_of_colours(text) for text in texts])

    def encode_patches(self, image: Image.Image) -> Patches | None:
        """Encodes each sixteenth of a picture as its mean colour."""
        small = np.asarray(image.resize((4, 4), Image.Resampling.BOX), np.float32) + 1e-3
        return Patches(_unit_rows(list(small.reshape(-1, 3))).reshape(4, 4, 3), self.encode_images([image])[0])

    def cuts(self, text: str) -> bool:
        return len(text.split()) > 8


def sum_of_colours(text: str) -> NDArray[np.float32]:
    colours = [COLOURS[word] for word in text.split()[:8] if word in COLOURS]
    return np.sum([*colours, (1e-3, 1e-3, 1e-3)], axis=0, dtype=np.float32)


def ready(encoder: Encoder) -> Models:
    models = Models(ModelSource(encoder.info.name, lambda: encoder))
    models.answer_with(encoder)
    return models


def loading(name: str = "some/model") -> Models:
    """Returns models that wait until a test calls `answer_with` or `fail`."""
    return Models(ModelSource(name, ColourEncoder))


class MemoryStore:
    sets_aside = False

    def __init__(self) -> None:
        self._pictures: dict[ContentId, tuple[Record, bytes | None, bytes]] = {}
        self._originals: dict[ContentId, bytes | None] = {}  # of what is in the trash
        self._trash: dict[ContentId, Trashed] = {}

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        present = self._pictures[record.content_id][1] if record.content_id in self._pictures else None
        kept = present or self._originals.get(record.content_id)
        self._pictures[record.content_id] = (record, kept if original is None else original, thumbnail)

    def update(self, record: Record, original: bytes | None = None) -> None:
        _, present, thumbnail = self._get(record.content_id)
        self._pictures[record.content_id] = (record, present if original is None else original, thumbnail)

    def find(self, id: ContentId) -> Record | None:
        return self._pictures[id][0] if id in self._pictures else None

    def original(self, id: ContentId) -> bytes:
        original = self._get(id)[1]
        if original is None:
            raise UnknownPicture("The original is not kept here.")
        return original

    def location(self, record: Record) -> str:
        return f"memory://{record.img_path}"

    def has_original(self, record: Record) -> bool:
        return self._get(record.content_id)[1] is not None

    def thumbnail(self, id: ContentId) -> bytes:
        return self._get(id)[2]

    def delete(self, id: ContentId) -> None:
        self._pictures.pop(id, None)

    def note_trashed(self, trashed: Trashed) -> None:
        self._trash[trashed.record.content_id] = trashed

    def hide(self, record: Record) -> None:
        id = record.content_id
        if id in self._pictures:
            self._originals[id] = self._pictures.pop(id)[1]

    def trashed(self) -> dict[ContentId, datetime]:
        latest_first = sorted(self._trash.values(), key=lambda each: each.deleted, reverse=True)
        return {each.record.content_id: each.deleted_at for each in latest_first}

    def find_trashed(self, ids: Sequence[ContentId]) -> list[Trashed]:
        return [self._trash[id] for id in ids if id in self._trash]

    def clear_trashed(self, id: ContentId) -> None:
        self._trash.pop(id, None)
        self._originals.pop(id, None)

    def files(self) -> Iterator[StoredFile]:
        for id, (record, original, thumbnail) in self._pictures.items():
            suffix = record.img_path.rpartition(".")[2]
            kinds: dict[FileKind, tuple[str, bytes | None]] = {
                "record": ("json", b"{}"),
                "thumbnail": ("thumb.jpg", thumbnail),
                "original": (suffix, original),
            }
            for kind, (ending, data) in kinds.items():
                if data is not None:
                    yield StoredFile(f"{id[:2]}/{id}.{ending}", id, kind, len(data), record.added_at)

    def set_aside(self, name: str) -> None:
        raise NotImplementedError(name)

    def read_file(self, name: str) -> bytes:
        id = ContentId(name[3:].partition(".")[0])
        return self.thumbnail(id) if name.endswith(".thumb.jpg") else self.original(id)

    def remove_file(self, name: str) -> None:
        record, original, thumbnail = self._get(ContentId(name[3:].partition(".")[0]))
        is_thumbnail = name.endswith(".thumb.jpg")
        self._pictures[record.content_id] = (
            record,
            original if is_thumbnail else None,
            b"" if is_thumbnail else thumbnail,
        )

    def count(self) -> int:
        return len(self._pictures)

    def ids(self) -> Sequence[ContentId]:
        records = [record for record, *_ in self._pictures.values()]
        return [record.content_id for record in sorted(records, key=lambda record: record.added, reverse=True)]

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        return [record for id in ids if (record := self.find(id))]

    def _get(self, id: ContentId) -> tuple[Record, bytes | None, bytes]:
        if id not in self._pictures:
            raise UnknownPicture("This picture is no longer in the library.")
        return self._pictures[id]


class MemoryCollection:
    def __init__(self, name: str = "memory", dim: int = 3) -> None:
        self._name = name
        self._dim = dim
        self._rows: dict[str, tuple[Record, Vector]] = {}
        self._holders = 0
        self._loads = self._releases = self._searches = 0
        self._nprobe: int | None = None
        self.wrong: list[IndexFault] = []

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        pairs = zip(records, vectors, strict=True)
        self._rows.update({record.img_path: (_as_row(record), vector) for record, vector in pairs})

    @contextmanager
    def loaded(self) -> Iterator["MemoryCollection"]:
        self._loads += self._holders == 0
        self._holders += 1
        try:
            yield self
        finally:
            self._holders -= 1
            self._releases += self._holders == 0

    def search_many(
        self,
        vectors: Vectors,
        limit: int,
        nprobe: int | None = None,
        exact: bool = False,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        return [self.search(vector, limit, nprobe, exact, where, offset) for vector in vectors]

    def search(
        self,
        vector: Vector,
        limit: int,
        nprobe: int | None = None,
        exact: bool = False,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        assert self._holders, "searched a collection that is not loaded"
        self._searches += 1
        hits = [Hit(record, float(self._rows[record.img_path][1] @ vector)) for record in self.matching(where)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.record.img_path))[offset : offset + limit]

    def stored(self) -> StoredCollection:
        model, _, fingerprint = self._name.rpartition("_")
        return StoredCollection(self._name, model, fingerprint, self._dim, len(self._rows), "")

    def matching(self, where: Filter | None) -> list[Record]:
        assert self._holders, "read a collection that is not loaded"
        return [record for record, _ in self._rows.values() if where is None or where.matches(record)]

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        return [record for record in self.matching(None) if having is None or having in record.metadata][:limit]

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        rows = [(id_of(path), row) for path, (_, row) in self._rows.items()]
        scores = [{id: float(row @ vector) for id, row in rows} for vector in vectors]
        return [dict(sorted(each.items(), key=lambda pair: -pair[1])[:limit]) for each in scores]

    def explain(self, question: Question) -> Explained:
        return Explained(self._name, len(self._rows), 128, question.nprobe, "")

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        return {id_of(path) for path in img_paths if path in self._rows}

    def rows(self) -> dict[str, Record | None]:
        return {path: record for path, (record, _) in self._rows.items()}

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        return {id_of(path): self._rows[path][1] for path in img_paths if path in self._rows}

    def update(self, records: Sequence[Record]) -> None:
        present = [record for record in records if record.img_path in self._rows]
        self._rows.update({record.img_path: (_as_row(record), self._rows[record.img_path][1]) for record in present})

    def count(self) -> int:
        return len(self._rows)

    def optimize(self) -> None:
        pass

    def delete(self, img_paths: Sequence[str]) -> None:
        for path in img_paths:
            self._rows.pop(path, None)

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        return IndexStatus(
            connected=True,
            problem=None,
            backend="memory",
            version="1",
            collection=self._name,
            rows=len(self._rows),
            rows_are_current=True,
            index_type="IVF_FLAT",
            metric="COSINE",
            nlist=128,
            state="loaded" if self._holders else "released",
            seconds_until_release=None,
            loads=self._loads,
            releases=self._releases,
            searches=self._searches,
            nprobe=self._nprobe or 128,
            nprobe_is_chosen=self._nprobe is not None,
        )

    def index_all(self) -> None:
        pass

    def faults(self) -> list[IndexFault]:
        return list(self.wrong)

    def repair(self) -> None:
        self.wrong = []

    def choose_nprobe(self, nprobe: int | None) -> None:
        self._nprobe = nprobe


class MemoryDatabase:
    def __init__(self) -> None:
        self._collections: dict[str, MemoryCollection] = {}

    def collection(self, encoder: EncoderInfo) -> MemoryCollection:
        name = f"{encoder.name}_{encoder.fingerprint}"
        return self._collections.setdefault(name, MemoryCollection(name, encoder.dim))

    def holds(self, encoder: EncoderInfo) -> bool:
        return f"{encoder.name}_{encoder.fingerprint}" in self._collections

    def name_of(self, encoder: EncoderInfo) -> str:
        return f"{encoder.name}_{encoder.fingerprint}"

    def stored(self) -> list[StoredCollection]:
        return [each.stored() for _, each in sorted(self._collections.items())]

    def named(self, name: str) -> MemoryCollection:
        if name not in self._collections:
            raise UnknownCollection("no_collection", name=name)
        return self._collections[name]

    def drop(self, name: str) -> None:
        self.named(name)
        del self._collections[name]

    def update(self, records: Sequence[Record]) -> None:
        for collection in self._collections.values():
            collection.update(records)

    def delete(self, img_paths: Sequence[str]) -> None:
        for collection in self._collections.values():
            collection.delete(img_paths)

    def close(self) -> None:
        pass


def _as_row(record: Record) -> Record:
    return replace(record, original_at="", from_sidecars=())


def _unit_rows(rows: Sequence[NDArray[np.floating]]) -> Vectors:
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
