"""Estimates what a picture takes of memory while it is decoded, in pixels of an ordinary one, of 5 bytes each.

The bytes were measured for each kind, at 16 and 42 megapixels: `benchmarks/NOTES.md` has the table.
"""

from typing import NamedTuple

from PIL import ImageFile

from library.decoding.depth import is_deep
from library.decoding.opening import FULL_SIZE, side_within
from library.decoding.pixel_budget import SMALL
from library.decoding.samples import Samples

ORDINARY = 5  # bytes


class Cost(NamedTuple):
    """Holds the bytes for each pixel that is decoded, and those for each that is brought to 8 bits."""

    decoded: int
    shown: int


PLAIN = Cost(5, 5)
TRANSPARENT = Cost(6, 11)
DEEP_GREYS = Cost(5, 20)
DARK_COLOURS = Cost(18, 60)  # of 16 bits, decoded twice, for the upper and for the lower bytes
OF_FORMATS = {
    "GIF": Cost(15, 5),
    "WEBP": Cost(17, 8),
    "AVIF": Cost(12, 5),
    "HEIF": Cost(12, 5),
    "JPEG2000": Cost(24, 5),
}
WHOLE_OF_PHONES, TRANSPARENT_OF_PHONES = Cost(12, 0), Cost(16, 0)  # AVIF and HEIF, which come in 8 bits
ANOTHER_FRAME = 12  # bytes, where the first shows nothing and the next is looked at
ANIMATED = ("AVIF", "PNG", "WEBP")  # GIF, whose frames are not counted at once, always has that of two
A_BYTE_OF_SAMPLES, A_SAMPLE_SHOWN = 4, 22


def cost_of(image: ImageFile.ImageFile, short_side: int, has_lower_bytes: bool = False) -> int:
    """Returns how many ordinary pixels take as much memory as this picture, which was opened and perhaps drafted;
    `has_lower_bytes` says that those of its colours are decoded, too.

    Of a progressive JPEG the decoder holds all samples, in 16 bits, however much it is to be reduced.
    """
    is_progressive = "progressive" in image.info
    size = image.info.get(FULL_SIZE, image.size) if is_progressive else image.size
    pixels, cost = size[0] * size[1], DARK_COLOURS if has_lower_bytes else _cost(image)
    is_shown_whole = pixels <= SMALL and cost != PLAIN  # only larger ones are brought to 8 bits in bands
    decoded = 2 + 2 * len(image.getbands()) if is_progressive else cost.decoded
    decoded += ANOTHER_FRAME * (image.format in ANIMATED and getattr(image, "is_animated", False))
    return _ordinary(pixels * (decoded + cost.shown / (1 if is_shown_whole else _factor(size, short_side)) ** 2))


def cost_of_samples(samples: Samples, short_side: int) -> int:
    """Returns the same for a TIFF whose pixels Pillow does not read."""
    shown = samples.numbers / _factor(samples.size, short_side) ** 2
    return _ordinary(A_BYTE_OF_SAMPLES * samples.size_in_bytes + A_SAMPLE_SHOWN * shown)


def _cost(image: ImageFile.ImageFile) -> Cost:
    pixels = image.width * image.height
    if is_deep(image):
        return DEEP_GREYS
    format = str(image.format)
    if format in ("AVIF", "HEIF") and pixels <= SMALL:
        return TRANSPARENT_OF_PHONES if image.has_transparency_data else WHOLE_OF_PHONES
    if format in OF_FORMATS:
        return OF_FORMATS[format]
    return TRANSPARENT if image.has_transparency_data else PLAIN


def _factor(size: tuple[int, int], short_side: int) -> int:
    return max(1, min(size) // side_within(size, short_side))


def _ordinary(number_of_bytes: float) -> int:
    return round(number_of_bytes / ORDINARY)
