"""Applies one rule for damage: a picture of which at least 95 % of the rows can be decoded is added, with a note."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from library.decoding import jpeg, png
from library.decoding.breaks import share_above_break
from library.decoding.containers import filled_up
from library.decoding.deflated import share_of_sound_rows
from library.decoding.formats import format_of
from library.errors import RejectedImage
from library.messages import Message, message
from library.running.work import Interrupted

LEAST_SHARE = 0.95
GIF_TRANSPARENCY = re.compile(rb"(\x21\xf9\x04)(.)", re.DOTALL)
OUT_OF_MEMORY = re.compile("out of memory|memory allocation|insufficient memory|cannot allocate", re.IGNORECASE)
BAND = 1 << 22  # pixels that are compared at once
ODD = np.uint64(0x9E3779B97F4A7C15)  # the fraction of the golden ratio, whose powers spread over all numbers
STEPS = (16, 64, 256, 1024, 4096, 16384, 65536)  # bytes by which a file is shortened to see which rows they hold

Opener = Callable[[bytes], ImageFile.ImageFile]  # opens a picture, drafted; its pixels are not loaded yet


class Loaded(NamedTuple):
    """Holds a picture with its pixels, and what its receipt is to say of damage."""

    image: ImageFile.ImageFile
    note: Message | None = None


class Digests(NamedTuple):
    """Stands for a large picture that is compared with another, so that there is never more than one in memory."""

    rows: NDArray[np.int64]
    columns: NDArray[np.uint64]  # of the bytes of the pixels

    @classmethod
    def of(cls, image: Image.Image) -> "Digests":
        rows: list[int] = []
        columns = np.zeros(1, np.uint64)
        height = max(1, BAND // image.width)
        for top in range(0, image.height, height):
            band = _pixels(image.crop((0, top, image.width, min(top + height, image.height))))
            rows += [hash(row.tobytes()) for row in band]
            for row in band:
                columns = columns * ODD + row
        return cls(np.array(rows, np.int64), columns)

    @classmethod
    def of_what_is_closed(cls, image: Image.Image) -> "Digests":
        """Returns the digests of a picture whose memory is given back."""
        digests = cls.of(image)
        image.close()
        return digests

    def share_of_equals(self, image: Image.Image) -> float:
        """Returns the share of rows in which the other picture has the same pixels; of columns where it is turned on
        its side."""
        other = Digests.of(image)
        columns = self.columns == other.columns
        if columns.size % image.width == 0:  # else a byte has several pixels
            columns = columns.reshape(image.width, -1).all(axis=1)
        return float(max((self.rows == other.rows).mean(), columns.mean()))


def load(data: bytes, opener: Opener) -> Loaded:
    """Opens and decodes a picture. Raises RejectedImage for one that less than 95 % of the rows are left of, and
    whatever decoders raise for one that nothing is left of."""
    whole = _whole(data, opener)
    if whole is None:
        return _rescued(data, opener)
    image, file = whole
    if file and file.lacks_rows:
        share = _decoded_rows(jpeg.without_end(data), opener)[1]
        return _accepted_within(data, image, share)
    if file and file.has_more:
        if _decoded_rows(jpeg.without_last_part(data), opener)[1] == 1:
            raise RejectedImage("damaged_within")
        return _accepted_within(data, image)
    if file and (share := file.share_between_restarts) < 1:
        if share < LEAST_SHARE:
            raise RejectedImage("damaged_within")
        return Loaded(image, message("damaged_within_noted"))
    if (share := _sound_share(data, image)) < 1:
        return _accepted(image, share, some_missing=message("damaged_within_noted"))
    return Loaded(image)


def is_of_memory(error: Exception) -> bool:
    """Returns whether a decoder says that it got no memory, which most do by errors of other kinds."""
    return bool(OUT_OF_MEMORY.search(str(error)))


def _whole(data: bytes, opener: Opener) -> tuple[ImageFile.ImageFile, jpeg.WatchedFile | None] | None:
    """Decodes a picture. Returns None, and keeps nothing in memory, for one that the decoder refuses."""
    try:
        image = opener(data)
        file = jpeg.watched(data, image) if image.format in ("JPEG", "MPO") else None
        image.load()
    except (RejectedImage, Interrupted, MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        if is_of_memory(error):
            raise MemoryError from error
        return None
    if image.format == "PNG" and png.has_wrong_data(data):
        image.close()
        return None
    return image, file


def _sound_share(data: bytes, image: ImageFile.ImageFile) -> float:
    """Returns the share of rows that no checksum contradicts. Raises RejectedImage for none."""
    share = 1.0
    with suppress(LookupError, TypeError, ValueError):  # tags that are none of a TIFF
        share = share_of_sound_rows(data, getattr(image, "tag_v2", {}))
    if not share:
        raise RejectedImage("damaged_within")
    return share


def _accepted_within(data: bytes, image: ImageFile.ImageFile, share: float = 1) -> Loaded:
    """Applies the rule to a JPEG with damage before its last row, from which on all may be of other colours."""
    note, header = message("damaged_within_noted"), jpeg.JpegHeader.of(data)
    if header and not jpeg.ends_in_filling(data):
        block = max(1, header.rows_of_a_block * image.height // header.height)
        share = min(share, share_above_break(image, block))
    return _accepted(image, share, note, note)


def _rescued(data: bytes, opener: Opener) -> Loaded:
    """Decodes what is left of a damaged picture."""
    if format_of(data) == "PNG":
        return _rest_of_png(png.repaired(data), opener)
    if format_of(data) == "JPEG":
        return _rest_of_jpeg(data, opener)
    if filled := filled_up(data):
        first, second = filled
        other = Digests.of_what_is_closed(_loaded(opener(second)))
        image = _loaded(opener(first))
        return _accepted(image, other.share_of_equals(image))
    _sound_share(data, opener(data))
    return _partial(data, opener, message("damaged_at_its_end"))


def _rest_of_png(repaired: png.Repaired, opener: Opener) -> Loaded:
    note = message("only_sum_damaged") if repaired.had_wrong_sum else None
    if not repaired.is_damaged_within:
        return _partial(repaired.data, opener, message("damaged_beside") if repaired.was_damaged else note)
    image, share = _decoded_rows(repaired.data, opener)
    if share == 1:  # so that nothing tells where it is wrong
        raise RejectedImage("damaged_within")
    return _accepted(image, share, some_missing=message("damaged_within_noted"))


def _rest_of_jpeg(data: bytes, opener: Opener) -> Loaded:
    header = jpeg.JpegHeader.of(data)
    if header is None or header.comes_in_rows:
        return _partial(jpeg.without_end(data), opener, message("damaged_at_its_end"))
    if not jpeg.announces_all(data):  # its later scans, which bring the details, are not there at all
        raise RejectedImage("damaged")
    image = opener(data + jpeg.END)
    image.load()
    return _accepted(image, _share_before_the_end(data), message("damaged_at_its_end"))


def _partial(data: bytes, opener: Opener, note: Message | None) -> Loaded:
    """Decodes as far as the data go; the note is for a picture that all rows are there of."""
    image = opener(data)
    with suppress(Exception):
        return Loaded(_loaded(image), note)
    image.close()
    return _accepted(*_decoded_rows(data, opener), note)


def _loaded(image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    image.load()
    return image


def _decoded_rows(data: bytes, opener: Opener) -> tuple[ImageFile.ImageFile, float]:
    """Returns the picture as far as it can be decoded, and the share of its rows that this is.

    To count them it is decoded twice, onto black and onto white: a row that both show alike has been decoded.
    """
    is_gif = format_of(data) == "GIF"
    opaque = GIF_TRANSPARENCY.sub(_without_its_flag, data, count=1) if is_gif else data
    on_white = Digests.of_what_is_closed(_as_far_as_it_goes(opener(opaque), 255))
    on_black = _as_far_as_it_goes(opener(opaque), 0)
    share = on_white.share_of_equals(on_black)
    if not is_gif:
        return on_black, share
    on_black.close()
    return _as_far_as_it_goes(opener(data)), share


def _as_far_as_it_goes(image: ImageFile.ImageFile, background: int | None = None) -> ImageFile.ImageFile:
    if background is not None:
        size = getattr(image, "_tile_size", image.size)  # of a TIFF before it is turned upright
        bands = len(image.getbands())
        image.im = Image.new(image.mode, size, background if bands == 1 else (background,) * bands).im
    with suppress(Exception):
        image.load()
    image.tile = []
    if image.im.size != image.size:
        image.load_end()  # which turns a TIFF upright, as it is announced to be
    return image


def _without_its_flag(found: re.Match[bytes]) -> bytes:
    return found[1] + bytes([found[2][0] & 0xFE])


def _accepted(
    image: ImageFile.ImageFile, share: float, all_there: Message | None = None, some_missing: Message | None = None
) -> Loaded:
    """Applies the rule; the messages are the notes for a picture that all rows are there of, or not all."""
    if share == 1:
        return Loaded(image, all_there)
    if share == 0 and image.format == "TIFF":
        raise RejectedImage("unreadable_kind", format="TIFF")
    percent = int(share * 100)
    if share < LEAST_SHARE:
        raise RejectedImage("damaged_rows", share=percent, least=round(LEAST_SHARE * 100))
    return Loaded(image, some_missing or message("damaged_rows_noted", share=percent))


def _share_before_the_end(data: bytes) -> float:
    """Returns the share of rows above the last that a progressive JPEG without an end has data for.

    With a few bytes less, the rows change to which those belonged.
    """
    whole = jpeg.at_half_size(data + jpeg.END)
    for step in STEPS:
        shorter = jpeg.at_half_size(data[:-step] + jpeg.END)
        changed = (_pixels(whole) != _pixels(shorter)).any(axis=1).nonzero()[0]
        if len(changed):
            return float(changed[-1] + 1) / whole.height
    return 0.0


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, -1)
