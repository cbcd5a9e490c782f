"""Turns bytes into pictures: the content ID, safe decoding, thumbnails and previews."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import PurePath, PurePosixPath
from typing import NewType

import numpy as np
import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from library.errors import InvalidContentId, RejectedImage
from library.messages import Message, message
from library.quiet_tiff import silence_libtiff
from library.validation import shown

ContentId = NewType("ContentId", str)

# Pillow reads many more formats; these are the ones that photographs and screenshots come in.
EXTENSIONS = {
    "AVIF": "avif",
    "BMP": "bmp",
    "GIF": "gif",
    "HEIF": "heic",
    "JPEG": "jpg",
    "JPEG2000": "jp2",
    "MPO": "jpg",
    "PNG": "png",
    "PPM": "ppm",
    "TIFF": "tif",
    "WEBP": "webp",
}
OPENED_FORMATS = [name for name in EXTENSIONS if name != "MPO"]  # Pillow opens an MPO as JPEG first
SYSTEM_FOLDERS = frozenset(["@eadir", "#recycle", "$recycle.bin", "__macosx", "system volume information"])
IMAGE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("avif", "bmp", "dib", "gif", "heic", "heics", "heif", "hif", "j2k", "jfif", "jp2", "jpe", "jpeg"),
        *("jpf", "jpg", "mpo", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"),
    )
)
MAX_FILE_BYTES = 256 << 20
MAX_PIXELS = 178_956_970  # where Pillow, too, speaks of a decompression bomb
MAX_ASPECT = 100
WORKING_SIDE = 336  # half as much again as the 224 px of most towers, so that their own resampling still decides
THUMBNAIL_SIDE = 384
ICON_SIDE = 96
MAX_THUMBNAIL_BYTES = 1 << 20
PREVIEW_SIDE = 1600


@dataclass(frozen=True)
class Picture:
    """Holds a decoded picture: upright, RGB, perhaps reduced; `width` and `height` are the original's, upright."""

    image: Image.Image
    format: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """Returns the file extension of the picture's format, as the store names its files."""
        return EXTENSIONS[self.format]


def content_id(data: bytes) -> ContentId:
    """Returns the SHA-256 of the bytes as lower-case hex: the same bytes are the same picture, whatever their name."""
    return ContentId(hashlib.sha256(data).hexdigest())


def parse_content_id(text: object) -> ContentId:
    """Checks a content ID. Raises InvalidContentId for anything but 64 lower-case hex digits."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text, flags=re.ASCII):
        raise InvalidContentId("no_content_id", text=repr(text[:80]) if isinstance(text, str) else shown(text))
    return ContentId(text)


def decode(data: bytes, short_side: int = WORKING_SIDE) -> Picture:
    """Returns the first frame of a picture, upright, on white where it is transparent.

    A large picture comes reduced, never below `short_side` pixels on its shorter side: JPEG decoders
    do that at a fraction of the cost. Raises RejectedImage with a reason a person understands.
    """
    if not data:
        raise RejectedImage("empty_file")
    _register_heif()
    silence_libtiff()
    try:
        with Image.open(BytesIO(data), formats=OPENED_FORMATS) as opened:
            _check_dimensions(*opened.size)
            original_size = opened.size
            opened.draft("RGB", (short_side, short_side))
            opened.load()
            upright = _upright(opened)
            turned = (upright.width > upright.height) != (opened.width > opened.height)
            width, height = reversed(original_size) if turned else original_size
            return Picture(_reduced(_to_rgb(upright), short_side), str(opened.format), width, height)
    except RejectedImage:
        raise
    except UnidentifiedImageError:
        raise _no_picture(data) from None
    except Image.DecompressionBombError:
        raise _too_large() from None
    except MemoryError:
        raise RejectedImage("no_memory") from None
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        raise RejectedImage("damaged") from error


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
    if PurePath(name).suffix.lower() not in IMAGE_SUFFIXES:
        return message("by_its_name")
    return None


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
    """Raises RejectedImage for anything but a JPEG of the size of a thumbnail; its pixels are not decoded."""
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as opened:
            if len(data) <= MAX_THUMBNAIL_BYTES and max(opened.size) <= THUMBNAIL_SIDE:
                return
    except Exception as error:
        raise RejectedImage("thumbnail_no_jpeg") from error
    raise RejectedImage("thumbnail_too_large")


def preview(original: bytes) -> bytes:
    """Returns a JPEG of at most 1600 px on the long side, without metadata: browsers show no HEIC, and EXIF tells
    places."""
    large = decode(original, PREVIEW_SIDE).image
    large.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BICUBIC)
    return _saved(large, "JPEG", quality=85)


@cache
def _register_heif() -> None:
    pi_heif.register_heif_opener()


def _check_dimensions(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large()
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RejectedImage("too_narrow", width=str(width), height=str(height), most=MAX_ASPECT)


def _too_large() -> RejectedImage:
    return RejectedImage("too_many_pixels", most=MAX_PIXELS // 1_000_000 + 1)


def _no_picture(data: bytes) -> RejectedImage:
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return RejectedImage("drawing")
    if start.startswith((b"<!doctype html", b"<html")):
        return RejectedImage("web_page")
    if start.startswith(b"%pdf"):
        return RejectedImage("document")
    return RejectedImage("no_picture", formats=", ".join(OPENED_FORMATS))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block is no reason to refuse a whole picture
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        on_white = Image.new("RGB", image.size, "white")
        on_white.paste(image, mask=image.getchannel("A"))
        return on_white
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scales deep greys to 0..255; Pillow alone would clip them."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    peak = float(values.max(initial=0))
    if image.mode.startswith("I;16") or 255 < peak <= 65_535:
        peak = 65_535
    elif 1 < peak <= 255:
        peak = 255
    return Image.fromarray(np.clip(values * (255 / max(peak, 1e-12)), 0, 255).astype(np.uint8))


def _reduced(image: Image.Image, short_side: int) -> Image.Image:
    factor = min(image.size) // short_side
    return image.reduce(factor) if factor > 1 else image


def _saved(image: Image.Image, format: str, **options: int) -> bytes:
    image.info.clear()
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
