"""Says why a picture matched: makes a heat map of it for each part of a query."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass

from PIL import Image

from library.contents.pictures import Pictures
from library.decoders.direct import Decoder
from library.errors import InvalidQuery
from library.images import ContentId
from library.models import Models
from library.ports import Encoder, Vector
from library.running.latest import Latest
from library.search.heat import WHOLE, Heat, PatchEncoder, Patches, heat_values, seen_box, within
from library.search.parts import Crop, LibraryPart, Part, PicturePart, TextPart, decode_part, picture_to_encode
from library.search.query import Query


@dataclass(frozen=True)
class Rooms:
    """Says how much is kept: bytes of patches, of which a picture has 100 kB in a ViT-B/32, and how many maps, of 50 to
    1,000 numbers each."""

    patches: int = 8 << 20
    maps: int = 512


FOR_A_VISITOR = Rooms(256 << 10, 32)  # of whom there may be thousands
KEPT_TEXTS = 16


@dataclass(frozen=True)
class PartHeat:
    """Holds the map of a picture for one part of a query; for a picture among the parts, also the map of that one."""

    part: Part
    found: Heat  # where in the picture the part is found
    own: Heat | None = None  # where in the part's picture the found one is


@dataclass(frozen=True)
class _Seen:
    patches: Patches
    box: Crop


class HeatMaps:
    """Makes heat maps and keeps the last ones.

    Raises what a search raises, and InvalidQuery where the model shows no patches.
    """

    def __init__(self, models: Models, pictures: Pictures, decoder: Decoder, rooms: Rooms) -> None:
        self._models, self._pictures, self._decode = models, pictures, decoder.decode
        self._seen: Latest[Hashable, _Seen] = Latest(rooms.patches, lambda seen: seen.patches.each.nbytes)
        self._texts: Latest[Hashable, Vector] = Latest(KEPT_TEXTS)
        self._maps: Latest[Hashable, tuple[Heat, Heat | None]] = Latest(rooms.maps)

    def of(self, id: ContentId, query: Query) -> list[PartHeat]:
        """Returns a map of a picture of the library for each part of the query, in their order."""
        if not query.parts:
            raise InvalidQuery("nothing_asked")
        for each in (id, *query.pictures):  # a deleted picture may still be among the maps
            self._pictures.record(each)
        encoder = self._models.named(query.model)
        return [PartHeat(part, *self._maps_of(id, part, encoder)) for part in query.parts]

    def _maps_of(self, id: ContentId, part: Part, encoder: Encoder) -> tuple[Heat, Heat | None]:
        def make() -> tuple[Heat, Heat | None]:
            seen = self._seen_of(LibraryPart(id), encoder)
            if isinstance(part, TextPart):
                return _heat(seen, self._text(part.text, encoder)), None
            other = self._seen_of(part, encoder)
            return _heat(seen, other.patches.whole), _heat(other, seen.patches.whole)

        return self._maps.get((_name(encoder), id, _key(part)), make)

    def _text(self, text: str, encoder: Encoder) -> Vector:
        def encode() -> Vector:
            vector: Vector = encoder.encode_texts([text])[0]
            return vector

        return self._texts.get((_name(encoder), text), encode)

    def _seen_of(self, part: PicturePart | LibraryPart, encoder: Encoder) -> _Seen:
        def make() -> _Seen:
            image = self._image(part, encoder.info.working_side)
            patches = encoder.encode_patches(image) if isinstance(encoder, PatchEncoder) else None
            if patches is None:
                raise InvalidQuery("no_heat_map", model=encoder.info.name)
            box = seen_box(encoder.info.preprocessing, *image.size)
            return _Seen(patches, within(part.crop or WHOLE, box))

        return self._seen.get((_name(encoder), _key(part)), make)

    def _image(self, part: PicturePart | LibraryPart, side: int) -> Image.Image:
        if isinstance(part, PicturePart):
            return decode_part(part, side, self._decode)
        if part.crop is None:
            return self._pictures.image(part.id, side)
        return picture_to_encode(self._pictures.original(part.id), part.crop, side, self._decode)


def _heat(seen: _Seen, vector: Vector) -> Heat:
    return Heat(heat_values(seen.patches.each, vector), seen.box)


def _name(encoder: Encoder) -> Hashable:
    return encoder.info.name, encoder.info.fingerprint, encoder.info.texts


def _key(part: Part) -> Hashable:
    """Returns what tells a part from others; its weight changes no map, and the bytes of a picture are not kept."""
    if isinstance(part, TextPart):
        return part.text
    if isinstance(part, LibraryPart):
        return part.id, part.crop
    return hashlib.sha256(part.data).hexdigest(), part.crop, "from outside"
