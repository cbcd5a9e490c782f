"""Opens the bytes of a picture at what shows it best: its largest page, the preview of a raw file, a reduced size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO

import pi_heif
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin

from library.decoding import heif, png, raw, tiff, webp
from library.decoding.formats import (
    LEAST_PREVIEW_SIDE,
    MAX_PIXELS,
    MAX_REDUCED_PIXELS,
    check_dimensions,
    format_of,
    opened_formats,
    too_large,
)
from library.decoding.frames import most_frames
from library.decoding.jpeg import (
    MOST_EXIF_PARTS,
    JpegHeader,
    exceeded_scans,
    has_endless_header,
    has_too_many_exif_parts,
)
from library.decoding.large_heif import MAX_WHOLE_PIXELS
from library.decoding.samples import Samples
from library.errors import RejectedImage
from library.messages import Message, message

FULL_SIZE, OPENED_SIZE = "full_size", "opened_size"  # in the info of a picture: before it is drafted, and after
LEAST_HEAVY_BYTES = 1 << 19  # a progressive JPEG of 179 megapixels has more, whatever it shows
LEAST_HEAVY_NUMBERS = 1 << 28  # bytes
MAX_COEFFICIENT_BYTES = 1_250_000_000  # what the decoder of a progressive JPEG holds until the last scan
MOST_WHOLE_PIXELS = 90_000_000  # Pillow takes 4 bytes for each, in both processes and once more while it turns
MOST_PIXELS = {"WEBP": 85_000_000, "AVIF": 120_000_000, "JPEG2000": 60_000_000}  # by 17, 12, 24 bytes for each
ON_ITS_SIDE = (5, 6, 7, 8)
YCBCR, SUBSAMPLING = 6, 530  # a photometric interpretation, and the tag of how many pixels share a colour
NOT_UNPACKED = {
    **dict.fromkeys([22610, 34934], "JPEG XR"),
    **dict.fromkeys([33003, 33005, 34712], "JPEG 2000"),
    **dict.fromkeys([50002, 52546], "JPEG XL"),
    34887: "LERC",
    34933: "PNG",
    50001: "WebP",
}  # by the number of the compression
MOST_COPIED = 1 << 31  # bytes, while pages are searched for one that shows something: a second
COMPLEX = (5, 6)  # formats of samples


@dataclass(frozen=True)
class Source:
    """Holds the bytes that are opened, and what is known of the picture from elsewhere in the file.

    `size` is that of the whole picture where the bytes are those of a smaller copy, before it is turned upright.
    """

    data: bytes
    format: str = ""
    orientation: int = 0
    size: tuple[int, int] | None = None
    note: Message | None = None
    samples: Samples | None = None  # of a TIFF whose pixels Pillow does not read
    is_heavy: bool = False  # whether its decoder takes about a gigabyte, though the picture comes reduced
    others: Sequence[Callable[[], "Source"]] = ()  # the further pages of its size, for where this one is blank

    def opened(self, data: bytes, short_side: int, is_whole: bool = False) -> ImageFile.ImageFile:
        """Opens the data, drafted where the decoder can reduce. Raises RejectedImage for too many pixels or parts."""
        if data.startswith(b"\xff\xd8"):
            _check_jpeg(data)
        if data.startswith(png.START) and png.has_endless_chunks(data):
            raise RejectedImage("too_many_file_parts")
        if size := webp.size_of(data):
            check_dimensions(*size, most=MOST_PIXELS["WEBP"])
        try:
            image = Image.open(BytesIO(data), formats=opened_formats())
            check_dimensions(*image.size, most=MOST_PIXELS.get(str(image.format), MAX_PIXELS))
            _repair_ycbcr(image)
            image.info[FULL_SIZE] = image.size
            side = short_side if is_whole else side_within(image.size, short_side)
            image.draft("RGB", (side, side))
        except Image.DecompressionBombError:
            image = _drafted_large_jpeg(data, short_side)
        image.info[OPENED_SIZE] = image.size
        if self.orientation and ExifTags.Base.Orientation not in image.getexif():
            image.getexif()[ExifTags.Base.Orientation] = self.orientation
        return image


def side_within(size: tuple[int, int], short_side: int) -> int:
    """Returns the shorter side that a picture may come with at least: of a very large one, half of its own."""
    return min(short_side, min(size) // 2) if size[0] * size[1] > MOST_WHOLE_PIXELS else short_side


def source_of(data: bytes) -> Source:
    """Finds what of a file is to be opened. Raises RejectedImage for a raw file without a preview, for a HEIC that is
    too large and has no copy of itself, and for a TIFF without what says where its pixels lie."""
    if data.startswith(b"\xff\xd8"):
        return Source(data, is_heavy=len(data) > LEAST_HEAVY_BYTES and _is_heavy_jpeg(data))
    pages = tiff.pages(data)
    if pages:
        tiff.silence()
    elif format_of(data) == "TIFF" and tiff.is_cut_short(data):
        raise RejectedImage("damaged")
    if kind := raw.raw_kind(data, pages):
        return _source_of_raw(data, kind, pages)
    if pages and format_of(data) == "TIFF":
        return _source_of_tiff(data, pages)
    if format_of(data) == "HEIC" and heif.may_be_large(data, MAX_PIXELS):
        return _source_of_large_heif(data)
    return Source(data)


def _check_jpeg(data: bytes) -> None:
    if has_endless_header(data):
        raise RejectedImage("too_many_file_parts")
    if most := exceeded_scans(data):
        raise RejectedImage("too_many_scans", most=most)
    if has_too_many_exif_parts(data):
        raise RejectedImage("too_many_exif_parts", most=MOST_EXIF_PARTS)


def _is_heavy_jpeg(data: bytes) -> bool:
    header = JpegHeader.of(data)
    return header is not None and not header.comes_in_rows and header.width * header.height > MAX_PIXELS


def _source_of_tiff(data: bytes, pages: list[tiff.TiffPage]) -> Source:
    page = tiff.largest(pages) or pages[0]
    _check_kind(page)
    most = min(most_frames(page.pixels), MOST_COPIED // len(data))
    others = tiff.equals_of(page, pages)[: max(0, most - 1)]
    first = _source_of_page(data, page, pages)
    return replace(first, others=[partial(_source_of_page, data, each, pages) for each in others])


def _check_kind(page: tiff.TiffPage) -> None:
    """Raises RejectedImage, by its name, for a kind of TIFF that nothing here reads."""
    if method := NOT_UNPACKED.get(page.compression):
        raise RejectedImage("tiff_packing", method=method)
    if page.sample_format in COMPLEX:
        raise RejectedImage("tiff_complex")


def _source_of_page(data: bytes, page: tiff.TiffPage, pages: list[tiff.TiffPage]) -> Source:
    samples = Samples.of(data, page)
    is_heavy = samples is not None and samples.size_in_bytes > LEAST_HEAVY_NUMBERS
    if len(pages) == 1:
        return Source(data, "", page.orientation if samples else 0, samples=samples, is_heavy=is_heavy)
    whole = max(pages, key=lambda each: each.pixels * (not each.is_mask))
    size = (whole.width, whole.height) if page.is_like(whole) and page.pixels < whole.pixels else None
    if size and page.orientation in ON_ITS_SIDE:  # as Pillow, too, gives the size of a TIFF
        size = (whole.height, whole.width)
    orientation = page.orientation or pages[0].orientation
    return Source(tiff.turned_to(data, page), "", orientation, size, samples=samples, is_heavy=is_heavy)


def _source_of_raw(data: bytes, kind: str, pages: list[tiff.TiffPage]) -> Source:
    page = tiff.largest(pages)
    shown = Source(tiff.turned_to(data, page), kind, page.orientation or pages[0].orientation) if page else None
    try:
        preview = raw.preview(data, kind, pages)
    except RejectedImage:
        if shown and page and min(page.width, page.height) >= LEAST_PREVIEW_SIDE:
            return shown
        raise
    if shown and page and page.pixels > preview.width * preview.height:
        return shown
    said = message("preview_of_raw", format=kind, size=f"{preview.width} x {preview.height}")
    return Source(preview.data, kind, preview.orientation, note=said)


def _source_of_large_heif(data: bytes) -> Source:
    opened_formats()
    try:
        width, height = pi_heif.HeifImageFile(BytesIO(data)).size
    except Exception:  # what is wrong will be told when it is decoded
        return Source(data)
    if width * height <= MAX_PIXELS:
        return Source(data)
    turned = heif.turned_to_thumbnail(data)
    small = pi_heif.HeifImageFile(BytesIO(turned)).size if turned else (0, 0)
    if not turned or min(small) < LEAST_PREVIEW_SIDE:
        check_dimensions(width, height, MAX_WHOLE_PIXELS)
        return Source(data, "HEIF", size=(width, height), is_heavy=True)
    said = message("preview_of_large", size=f"{small[0]} x {small[1]}")
    return Source(turned, size=(width, height), note=said)


def _repair_ycbcr(image: ImageFile.ImageFile) -> None:
    """Has an uncompressed TIFF of YCbCr read as such, of which Pillow takes four bytes for each pixel.

    Raises RejectedImage where several pixels share their colours.
    """
    tags = getattr(image, "tag_v2", {})
    if tags.get(tiff.PHOTOMETRIC) != YCBCR or any(tile.codec_name != "raw" for tile in image.tile):
        return
    if tags.get(SUBSAMPLING, (2, 2)) != (1, 1) or image.mode != "RGB":
        raise RejectedImage("unreadable_kind", format="TIFF")
    image._mode = "YCbCr"
    image.tile = [tile._replace(args=("YCbCr", 0, 1)) for tile in image.tile]


def _drafted_large_jpeg(data: bytes, short_side: int) -> ImageFile.ImageFile:
    """Opens a JPEG that is too large to be decoded whole, so far reduced that it never is. Raises RejectedImage for
    any other picture."""
    header = JpegHeader.of(data)
    if not header or (not header.comes_in_rows and header.bytes_of_coefficients > MAX_COEFFICIENT_BYTES):
        raise too_large()
    image = JpegImagePlugin.JpegImageFile(BytesIO(data))
    check_dimensions(*image.size, most=MAX_REDUCED_PIXELS)
    image.info[FULL_SIZE] = image.size
    scale = next(scale for scale in (2, 4, 8) if image.width * image.height <= MAX_PIXELS * scale**2)
    side = min(short_side, min(image.size) // scale)
    image.draft("RGB", (side, side))
    return image
