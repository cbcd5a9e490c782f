"""Brings numbers of more than 8 bits, fractions and negative ones to 0..255, scaled to what is there."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from library.decoding import png
from library.decoding.damage import Opener
from library.decoding.fillers import fillers_of
from library.decoding.reducing import bands, mean_of
from library.errors import RejectedImage

RANGES = (255, 1023, 4095, 16_383, 65_535)  # of cameras and scanners, whose files have 16 bits all the same
DEEP = 16  # bits, within which a sensor uses a range of its own
LARGEST = 1e30  # beyond it, a number only marks that there is none, unless most numbers lie there
NARROW = 1 / 16  # of a range: 12 bits of 16
SMOOTH = 0.5  # neighbours differ so much less than all pixels do where there is more than noise
MOST_OF_14_BITS, HIGH_BYTE_OF_14_BITS, FULL = 16_383, 63, 255
LARGE, REDUCED_TO = 16_000_000, 4_000_000  # pixels; the numbers of the first take a gigabyte
MOST_RESTORED = 100_000_000  # pixels, whose upper and lower bytes take as much
GREYS_WITH_ALPHA = "LA;16B"
LOW_BYTES = {";16B": ";16L", ";16L": ";16B"}
NATIVE_LOW_BYTES = ";16B" if np.little_endian else ";16L"
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT, NO_DATA = 258, 262, 339, 42113
UNSIGNED = (1,)
HOT = 8  # times as much as 99.9 % of the pixels have
WHITE_IS_ZERO = 0

Tags = Mapping[int, Any]


def is_deep(image: Image.Image) -> bool:
    """Returns whether the picture has numbers that are not those of 8 bits."""
    return image.mode.startswith(("I", "F"))


def to_8_bits(image: Image.Image, tags: Tags) -> Image.Image:
    """Returns a picture of deep greys as greys of 8 bits, which Pillow alone would clip; the tags are those of a
    TIFF."""
    values = _numbers(image, tags)
    with suppress(ValueError):
        values = np.where(values == np.float32(tags.get(NO_DATA, "nan").strip("\0 ")), np.nan, values)
    values = _without_fillers(values)
    grey = scaled(values, are_fractions=image.mode == "F" and holds_fractions(values))
    return Image.fromarray(255 - grey if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else grey)


def restored(image: ImageFile.ImageFile, data: bytes, opener: Opener) -> Image.Image:
    """Returns a picture whose colours have 16 bits, of which Pillow reads the upper 8, from the bits that are used; a
    large one is reduced on the way."""
    if image.width * image.height > MOST_RESTORED or not _has_16_bits(image, data) or not _has_few_bits(image):
        return image
    with suppress(Exception):  # what cannot be restored is shown as Pillow reads it
        values = _whole_numbers(image, _low_bytes(opener(data)))
        shown = scaled_with_alpha(values) if image.mode == "RGBA" else scaled(_without_fillers(values))
        whole = Image.fromarray(shown, image.mode)
        if orientation := image.getexif().get(ExifTags.Base.Orientation):
            whole.getexif()[ExifTags.Base.Orientation] = orientation
        return whole
    return image


def _low_bytes(low: ImageFile.ImageFile) -> Image.Image:
    are_greys = any(tile.args == GREYS_WITH_ALPHA for tile in low.tile)  # which Pillow shows as colours
    low.tile = [tile._replace(args="RGBA" if are_greys else _args_of_low_bytes(tile.args)) for tile in low.tile]
    low.load()
    return Image.merge("RGBA", [low.getchannel(each) for each in "GGGA"]) if are_greys else low


def _whole_numbers(high: Image.Image, low: Image.Image) -> NDArray[np.float32]:
    pixels = high.width * high.height
    factor = math.ceil(math.sqrt(pixels / REDUCED_TO)) if pixels > LARGE else 1
    both = zip(bands(high, factor), bands(low, factor), strict=True)
    parts = (np.asarray(upper, np.float32) * 256 + np.asarray(lower, np.float32) for (_, upper), (_, lower) in both)
    return np.concatenate([mean_of(part, factor) if factor > 1 else part for part in parts])


def _numbers(image: Image.Image, tags: Tags) -> NDArray[np.float32]:
    values = np.asarray(image)
    if image.mode == "I" and tags.get(BITS_PER_SAMPLE) == (32,) and tags.get(SAMPLE_FORMAT, UNSIGNED) == UNSIGNED:
        values = values.view(np.uint32)  # Pillow has numbers with a sign only
    return values.astype(np.float32)


def ranges_of(bits: int, is_signed: bool) -> tuple[int, ...]:
    """Returns the largest values of sensors whose numbers are stored in this number of bits."""
    most: int = 2 ** (bits - is_signed) - 1
    return (*(each for each in RANGES if each < most), most) if bits <= DEEP else RANGES


def usable_of(values: NDArray[Any]) -> NDArray[Any]:
    """Returns those of the numbers that are no marks of their kind: neither NaN nor infinite nor beyond LARGEST."""
    usable: NDArray[Any] = values[np.abs(values) < LARGEST]
    return usable


def is_far_out(values: NDArray[Any]) -> bool:
    """Returns whether most of the different numbers lie beyond LARGEST: they are the picture, then, and no marks."""
    if not (np.abs(values) >= LARGEST).any():
        return False
    sizes = np.unique(np.abs(values[np.isfinite(values)]))
    return bool(sizes.size and np.median(sizes) >= LARGEST)


def holds_fractions(values: NDArray[Any]) -> bool:
    """Returns whether some are no whole numbers, which those of a sensor would be."""
    usable = usable_of(values)
    return bool((usable != np.rint(usable)).any())


def scaled(values: NDArray[Any], ranges: tuple[int, ...] = RANGES, are_fractions: bool = False) -> NDArray[np.uint8]:
    """Returns the numbers from 0 to 255, by the first of the ranges that holds all, of fractions by the largest, or
    from the least to the largest where greys take up little of it, far from 0. Raises RejectedImage where none is a
    number."""
    if is_far_out(values):
        values = values / (np.abs(values[np.isfinite(values)]).max().astype(np.float64) / (LARGEST / 10))
    usable = np.abs(values) < LARGEST  # which NaN is not, either
    if not usable.any():
        raise RejectedImage("no_numbers")
    low, high = float(values[usable].min()), _highest(values[usable])
    if low >= 0:
        most = next((each for each in ranges if 1 < high <= each), high)
        if not _is_narrow(values, low, high, most):
            low, high = 0.0, high if are_fractions else most
    finite = np.clip(np.nan_to_num(values, nan=low, posinf=high, neginf=low), low, high)
    shown: NDArray[np.uint8] = np.rint((finite - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return shown


def scaled_with_alpha(
    values: NDArray[Any], ranges: tuple[int, ...] = RANGES, most: float = RANGES[-1], are_fractions: bool = False
) -> NDArray[np.uint8]:
    """Returns the numbers from 0 to 255, of which the last of each pixel is its alpha: by one range where none has more
    than 14 bits, though the file has room for them, else alpha by the most that it can be. Colours that are wholly
    transparent are forgotten in the given numbers, too, rather than in a copy of a gigabyte."""
    alpha = np.nan_to_num(values[..., -1:])
    if alpha.any():
        values[alpha[..., 0] <= 0, :-1] = np.nan
    if most > MOST_OF_14_BITS and np.nanmin(values) >= 0 and np.nanmax(values) <= MOST_OF_14_BITS:
        return scaled(values, ranges)
    opacity = np.rint(np.clip(alpha * (255 / most), 0, 255)).astype(np.uint8)
    return np.dstack([scaled(values[..., :-1], ranges, are_fractions), opacity])


def _is_narrow(values: NDArray[Any], low: float, high: float, most: float) -> bool:
    """Returns whether greys lie above an offset in so small a part of the range that hardly any would be told apart;
    what looks like the noise of one shade is left as it is."""
    width = high - low
    is_grey = values.ndim == 2 or values.shape[2] == 1
    if not is_grey or min(values.shape[:2]) < 2 or not 0 < width < min(low, most * NARROW):
        return False
    rows = np.clip(values.reshape(values.shape[:2]), low, high)
    steps = (np.nanstd(np.diff(rows, axis=axis)) for axis in (0, 1))
    return bool(max(steps) < SMOOTH * np.nanstd(rows))


def _highest(usable: NDArray[Any]) -> float:
    """Returns the largest number, of those that a few hot pixels do not dwarf."""
    high, most = float(usable.max()), float(np.percentile(usable, 99.9))
    return most if high > HOT * most > 0 else high


def _has_16_bits(image: ImageFile.ImageFile, data: bytes) -> bool:
    if image.mode not in ("RGB", "RGBA"):
        return False
    if image.format == "PNG":
        return png.bit_depth(data) == 16
    bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
    return image.format == "TIFF" and bool(bits) and bits[0] == 16


def _has_few_bits(image: Image.Image) -> bool:
    """Returns whether the upper 8 bits are those of at most 14, but for what may stand for no data."""
    counts = np.reshape(image.histogram(), (-1, 256))[:3]
    return not counts[:, HIGH_BYTE_OF_14_BITS + 1 : FULL].any()


def _without_fillers(values: NDArray[Any]) -> NDArray[Any]:
    fillers = fillers_of(usable_of(values))
    return np.where(np.isin(values, fillers), np.nan, values) if fillers else values


def _args_of_low_bytes(args: Any) -> Any:
    mode, *rest = (args,) if isinstance(args, str) else args
    name, ending = mode[:-4], mode[-4:]
    changed = name + LOW_BYTES.get(ending, NATIVE_LOW_BYTES)
    return changed if isinstance(args, str) else (changed, *rest)
