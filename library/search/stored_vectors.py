"""Reads the vectors of library pictures that a query names, and keeps them for the next query."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from library.errors import UnknownPicture
from library.images import ContentId
from library.ports import EncoderInfo, LoadedCollection, Vector
from library.records import Record
from library.search.parts import LibraryPart, Part

KEPT_VECTORS = 256


class StoredVectors:
    """Keeps the vectors of pictures that were searched with lately, so that the next page reads none of them again.

    They stay true: the vector that a model makes of a picture never changes.
    """

    def __init__(self) -> None:
        self._lately: OrderedDict[tuple[EncoderInfo, ContentId], Vector] = OrderedDict()
        self._changes = threading.Lock()

    def of(self, records: Sequence[Record], encoder: EncoderInfo, index: LoadedCollection) -> dict[ContentId, Vector]:
        """Returns the vectors of the pictures that have a row in the index, by content ID."""
        with self._changes:
            known = {
                record.content_id: self._lately[encoder, record.content_id]
                for record in records
                if (encoder, record.content_id) in self._lately
            }
        unknown = [record.img_path for record in records if record.content_id not in known]
        read = index.vectors(unknown) if unknown else {}
        with self._changes:
            for id, vector in (known | read).items():
                self._lately[encoder, id] = vector
                self._lately.move_to_end((encoder, id))
            while len(self._lately) > KEPT_VECTORS:
                self._lately.popitem(last=False)
        return known | read


def uncropped_pictures(parts: Sequence[Part], pictures: Sequence[Record]) -> list[Record]:
    """Returns those of the pictures whose stored vectors the parts call for."""
    uncropped = {part.id for part in parts if isinstance(part, LibraryPart) and not part.crop}
    return [record for record in pictures if record.content_id in uncropped]


def fill_stored_vectors(
    parts: Sequence[Part],
    vectors: Sequence[Vector | None],
    pictures: Sequence[Record],
    stored: Mapping[ContentId, Vector],
) -> list[Vector]:
    """Puts the stored vectors where none was made. Raises UnknownPicture where there is none."""
    for record in pictures:
        if record.content_id not in stored:
            raise UnknownPicture("not_searchable", name=record.name)
    own = [stored[part.id] if isinstance(part, LibraryPart) and not part.crop else None for part in parts]
    return [vector for pair in zip(vectors, own, strict=True) for vector in pair if vector is not None]
