"""Turns bytes into pictures: the content ID, safe decoding, thumbnails and previews."""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePath, PurePosixPath
from typing import NewType

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from library.decoding import large_heif
from library.decoding.archive_kinds import is_archive
from library.decoding.backdrop import opaque
from library.decoding.colour_tags import profile_of
from library.decoding.colours import SPACES, to_srgb
from library.decoding.damage import is_of_memory, load
from library.decoding.depth import Tags, is_deep, restored, to_8_bits
from library.decoding.formats import EXTENSIONS, IMAGE_SUFFIXES, too_large, unreadable
from library.decoding.frames import first_that_shows_something, is_blank
from library.decoding.memory_cost import cost_of, cost_of_samples
from library.decoding.opening import FULL_SIZE, ON_ITS_SIDE, OPENED_SIZE, Source, side_within, source_of
from library.decoding.pixel_budget import MOST_AT_ONCE, SMALL, PixelBudget, PixelReservation, pixel_budget
from library.decoding.reducing import reduced
from library.decoding.samples import Samples
from library.errors import InvalidContentId, RejectedImage
from library.messages import Message, both, message
from library.running.work import Interrupted
from library.validation import shown

ContentId = NewType("ContentId", str)

SYSTEM_FOLDERS = frozenset(
    [
        *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap"),  # of Synology
        *("@recycle", "@recently-snapshot", "@transcode"),  # of QNAP
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000"),  # of Windows
        *("__macosx", "lost+found"),
    ]
)
MAX_FILE_BYTES = 256 << 20
WHOLE = 1 << 20  # a shorter side that no picture is reduced to, which asks for it in grey
WORKING_SIDE = 336  # half as much again as the 224 px of most towers, so that their own resampling still decides
THUMBNAIL_SIDE = 384
ICON_SIDE = 96
MAX_THUMBNAIL_BYTES = 1 << 20
END_OF_JPEG = b"\xff\xd9"  # what is cut short lacks it
PREVIEW_SIDE = 1600


@dataclass(frozen=True)
class Picture:
    """Holds a decoded picture: upright, RGB, perhaps reduced; `width` and `height` are the original's, upright.

    The note is what a receipt is to say of it, such as that some rows are damaged.
    """

    image: Image.Image
    format: str
    width: int
    height: int
    note: Message | None = None

    @property
    def extension(self) -> str:
        """Returns the file extension of the picture's format, as the store names its files."""
        return EXTENSIONS[self.format]


Decode = Callable[[bytes, int], Picture]
Grey = NDArray[np.uint8]  # the brightness of each pixel
Greyed = Callable[[bytes], Grey]


def content_id(data: bytes) -> ContentId:
    """Returns the SHA-256 of the bytes as lower-case hex: the same bytes are the same picture, whatever their name."""
    return ContentId(hashlib.sha256(data).hexdigest())


def parse_content_id(text: object) -> ContentId:
    """Checks a content ID. Raises InvalidContentId for anything but 64 lower-case hex digits."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text, flags=re.ASCII):
        raise InvalidContentId("no_content_id", text=repr(text[:80]) if isinstance(text, str) else shown(text))
    return ContentId(text)


def decode(
    data: bytes, short_side: int = WORKING_SIDE, within: PixelBudget | None = None, is_grey: bool = False
) -> Picture:
    """Returns the picture as its owner sees it: upright, in sRGB, without transparency, not a blank first frame
    or page.

    A large picture comes reduced, never below `short_side` pixels on its shorter side unless it has more than 90
    megapixels, and then with half its sides at most: JPEG decoders do that at a fraction of the cost. In grey it comes
    whole. It waits for its pixels to have room, in that of the process where no other is given. Raises RejectedImage
    with a reason a person understands.
    """
    if not data:
        raise RejectedImage("empty_file")
    try:
        source = source_of(data)
        with (within or pixel_budget()).reservation() as reservation:
            if source.is_heavy:
                reservation.take(MOST_AT_ONCE)
            return _first_page_that_shows_something(source, WHOLE if is_grey else short_side, reservation, is_grey)
    except (RejectedImage, Interrupted):
        raise
    except UnidentifiedImageError:
        raise unreadable(data) from None
    except Image.DecompressionBombError:
        raise too_large() from None
    except MemoryError:
        raise RejectedImage("no_memory") from None
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        if is_of_memory(error):
            raise RejectedImage("no_memory") from None
        raise RejectedImage("damaged") from error


def grey(data: bytes, within: PixelBudget | None = None) -> Grey:
    """Returns the whole picture in grey, however large it is, as `decode` shows it. Raises RejectedImage."""
    return np.asarray(decode(data, within=within, is_grey=True).image)


def as_srgb(image: Image.Image) -> Image.Image:
    """Returns a picture in memory as RGB of 8 bits in sRGB, without transparency, and without a profile."""
    shown = to_srgb(_plain(image, {}), image.info.get("icc_profile")).copy()
    shown.info.clear()
    return shown


def reason_to_skip(path: str) -> Message | None:
    """Returns why a file below a folder, an archive or a bucket is not even read; None for one that may be a picture.

    `path` is that below the source: what lies in a hidden folder or in one of an operating system is left out, too.
    """
    *folders, name = PurePosixPath(path).parts or ("",)
    for folder in folders:
        if reason := reason_to_skip_folder(folder):
            return reason
    if name.startswith("."):
        return message("hidden")
    if PurePath(name).suffix.lower() in IMAGE_SUFFIXES:
        return None
    return message("archive_within") if is_archive(name) else message("by_its_name")


def reason_to_skip_folder(name: str) -> Message | None:
    """Returns why nothing in a folder of this name is imported; None for one that may hold pictures."""
    if name.startswith(".") and name not in (".", ".."):
        return message("hidden_folder")
    return message("system_folder") if name.lower() in SYSTEM_FOLDERS else None


def check_bytes(size: int) -> None:
    """Raises RejectedImage for more than any picture needs, before it is read."""
    if size > MAX_FILE_BYTES:
        raise RejectedImage("too_heavy", size=round(size / 1e6), most=MAX_FILE_BYTES >> 20)


def thumbnail(picture: Picture) -> bytes:
    """Returns a JPEG of at most 384 px on the long side, without metadata. WebP is a third smaller but ten times as
    slow."""
    small = picture.image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.HAMMING)
    return _saved(small, "JPEG", quality=75)


def icon(picture: Picture) -> bytes:
    """Returns a JPEG of at most 96 px on the long side, without metadata."""
    small = picture.image.copy()
    small.thumbnail((ICON_SIDE, ICON_SIDE), Image.Resampling.HAMMING)
    return _saved(small, "JPEG", quality=70)


def check_thumbnail(data: bytes) -> None:
    """Raises RejectedImage for anything but a whole JPEG of the size of a thumbnail; its pixels are not decoded."""
    if not data.endswith(END_OF_JPEG):
        raise RejectedImage("thumbnail_no_jpeg")
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as opened:
            if len(data) <= MAX_THUMBNAIL_BYTES and max(opened.size) <= THUMBNAIL_SIDE:
                return
    except Exception as error:
        raise RejectedImage("thumbnail_no_jpeg") from error
    raise RejectedImage("thumbnail_too_large")


def preview(original: bytes, within: PixelBudget | None = None) -> bytes:
    """Returns a JPEG of at most 1600 px on the long side, without metadata: browsers show no HEIC, and EXIF tells
    places."""
    large = decode(original, PREVIEW_SIDE, within).image
    large.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BICUBIC)
    return _saved(large, "JPEG", quality=85)


def _first_page_that_shows_something(
    source: Source, short_side: int, reservation: PixelReservation, is_grey: bool
) -> Picture:
    first = _decoded(source, short_side, reservation, is_grey)
    if source.others and is_blank(first.image):
        with suppress(Exception):  # as a damaged frame ends an animation
            for other in source.others:
                picture = _decoded(other(), short_side, reservation, is_grey)
                if not is_blank(picture.image):
                    return picture
    return first


def _decoded(source: Source, short_side: int, reservation: PixelReservation, is_grey: bool) -> Picture:
    if source.samples:
        reservation.take(cost_of_samples(source.samples, short_side))
        picture = _of_samples(source, source.samples, side_within(source.samples.size, short_side))
        return replace(picture, image=picture.image.convert("L")) if is_grey else picture
    if source.is_heavy and source.size:
        small = large_heif.reduced(source.data, short_side)
        shown = to_srgb(_plain(small, {}), profile_of(small, source.data))
        return Picture(shown.convert("L") if is_grey else shown, source.format, *source.size)

    def opener(data: bytes) -> ImageFile.ImageFile:
        image = source.opened(data, short_side, is_whole=is_grey)
        reservation.take(cost_of(image, short_side))
        return image

    def opener_of_lower_bytes(data: bytes) -> ImageFile.ImageFile:
        image = source.opened(data, short_side, is_whole=is_grey)
        reservation.raise_to(cost_of(image, short_side, has_lower_bytes=True))
        return image

    loaded, note = load(source.data, opener)
    profile, tags = profile_of(loaded, source.data), getattr(loaded, "tag_v2", {})
    (width, height), opened = source.size or loaded.info[FULL_SIZE], loaded.info[OPENED_SIZE]
    whole = restored(loaded, source.data, opener_of_lower_bytes)
    whole = first_that_shows_something(loaded) if whole is loaded else whole
    if is_grey:
        upright = image = _grey(whole, tags, profile)
    else:
        side = side_within(loaded.info[FULL_SIZE], short_side)
        upright = _turned(whole, tags, side)
        image = to_srgb(_small(upright, tags, side), profile)
    if (upright.width > upright.height) != (opened[0] > opened[1]):
        width, height = height, width
    return Picture(image, source.format or str(loaded.format), width, height, both(source.note, note))


def _grey(image: Image.Image, tags: Tags, profile: bytes | None) -> Image.Image:
    """Returns the whole picture upright in grey, made band by band: beside it there is one in colours, and no more."""

    def plain(band: Image.Image) -> Image.Image:
        return to_srgb(_plain(band, tags), profile).convert("L")

    orientation = _orientation(image)
    shown = plain(image) if image.width * image.height <= SMALL else _in_place_of(image, reduced(image, 1, plain))
    shown.getexif()[ExifTags.Base.Orientation] = orientation
    return _in_place_of(shown, _upright(shown))


def _in_place_of(image: Image.Image, other: Image.Image) -> Image.Image:
    """Returns the other picture, and gives the memory of the first one back at once, whoever still names it."""
    if other is not image:
        image.close()
    return other


def _of_samples(source: Source, samples: Samples, short_side: int) -> Picture:
    loaded = [load(each, samples.opened) for each in samples.planes(source.data)]
    shown = samples.shown((each.image for each in loaded), short_side, source.orientation)
    size = source.size or (samples.size[::-1] if source.orientation in ON_ITS_SIDE else samples.size)
    profile = loaded[0].image.info.get("icc_profile")
    image = to_srgb(_reduced(_plain(_upright(shown), {}), short_side), profile)
    return Picture(image, "TIFF", *size, both(source.note, next((each.note for each in loaded if each.note), None)))


def _turned(image: Image.Image, tags: Tags, short_side: int) -> Image.Image:
    """Returns the picture upright; a large one is reduced first, since to turn it takes its memory once more."""
    if image.width * image.height <= SMALL:
        return _upright(image)
    orientation = _orientation(image)
    if orientation == 1:
        return image
    small = _in_place_of(image, _small(image, tags, short_side))
    small.getexif()[ExifTags.Base.Orientation] = orientation
    return _in_place_of(small, _upright(small))


def _small(image: Image.Image, tags: Tags, short_side: int) -> Image.Image:
    """Returns the picture as `_plain` does, reduced; a large one without a second of its size beside it."""
    factor = max(1, min(image.size) // short_side)
    if image.width * image.height <= SMALL or (factor == 1 and image.mode in SPACES):
        return _reduced(_plain(image, tags), short_side)
    return reduced(image, factor, lambda each: _plain(each, tags))


def _upright(image: Image.Image) -> Image.Image:
    try:
        is_upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        return image if is_upright else ImageOps.exif_transpose(image)  # which copies what is upright, too
    except Exception:  # a broken EXIF block is no reason to refuse a whole picture
        return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # as in _upright
        return 1


def _plain(image: Image.Image, tags: Tags) -> Image.Image:
    """Returns the picture as RGB, grey or CMYK of 8 bits, without transparency."""
    image = opaque(to_8_bits(image, tags) if is_deep(image) else image)
    return image if image.mode in SPACES else image.convert("RGB")


def _reduced(image: Image.Image, short_side: int) -> Image.Image:
    factor = min(image.size) // short_side
    return image.reduce(factor) if factor > 1 else image


def _saved(image: Image.Image, format: str, **options: int) -> bytes:
    image.info.clear()
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
