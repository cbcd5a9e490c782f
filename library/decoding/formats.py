"""Lists the formats that are read, how their files are named, and what those are called that are not."""

import re
from functools import cache
from importlib import import_module

import pi_heif

from library.decoding.archive_kinds import archive_kind
from library.decoding.exif import bound_exif
from library.decoding.other_files import is_tga, other_kind
from library.errors import RejectedImage

# Pillow reads many more formats; these are the ones that photographs and screenshots come in.
OPENED_FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
EXTENSIONS_OF_OPENED = {
    "AVIF": "avif",
    "BMP": "bmp",
    "GIF": "gif",
    "HEIF": "heic",
    "JPEG": "jpg",
    "JPEG2000": "jp2",
    "JXL": "jxl",
    "MPO": "jpg",  # which Pillow opens as JPEG first
    "PNG": "png",
    "PPM": "ppm",
    "TIFF": "tif",
    "WEBP": "webp",
}
RAW_FORMATS = (
    *("3FR", "ARW", "CR2", "CR3", "CRW", "DCR", "DNG", "ERF", "IIQ", "MEF", "MOS", "MRW"),
    *("NEF", "ORF", "PEF", "RAF", "RAW", "RW2", "SRW", "X3F"),
)
EXTENSIONS = EXTENSIONS_OF_OPENED | {name: name.lower() for name in RAW_FORMATS}
IMAGE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("apng", "avif", "bmp", "dib", "gif", "heic", "heics", "heif", "hif", "j2k", "jfif", "jp2", "jpe", "jpeg"),
        *("jpf", "jpg", "jpx", "jxl", "mpo", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"),
        *("fff", "kdc", "nrw", "rwl", "sr2", "srf"),
        *(name.lower() for name in RAW_FORMATS if name != "RAW"),
    )
)
MAX_PIXELS = 178_956_970  # where Pillow, too, speaks of a decompression bomb
MAX_REDUCED_PIXELS = 4 * MAX_PIXELS  # of a picture whose decoder never holds more than a reduced one
MAX_STATED_PIXELS = 1 << 36  # of a picture that is shown by a smaller copy of itself
MAX_ASPECT = 100
LEAST_PREVIEW_SIDE = 336  # px: what towers look at; a preview below it shows too little of the picture

SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"RIFF.{4}WEBP", "WebP"),
    (rb"(II\*\0|MM\0\*|II\+\0|MM\0\+)", "TIFF"),
    (rb".{4}ftypavi[fs]", "AVIF"),
    (rb".{4}ftyp(hei|hev|mif1|msf1)", "HEIC"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"BM.{12}[\x0c-\x7c]\0\0\0", "BMP"),
    (rb"P[1-6]\s", "PPM"),
)
NEVER_READ = (
    (rb"8BP[SB]", "Photoshop"),
    (rb"v/1\x01", "OpenEXR"),
    (rb"#\?RADIANCE|#\?RGBE", "Radiance HDR"),
    (rb"SIMPLE  =", "FITS"),
    (rb".{128}DICM", "DICOM"),
    (rb"II\xbc", "JPEG XR"),
    (rb"DDS ", "DDS"),
    (rb"gimp xcf", "GIMP"),
    (rb"qoif", "QOI"),
    (rb"icns", "ICNS"),
    (rb"\0\0[\x01\x02]\0[\x01-\xff]\0", "ICO"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript"),
    (rb"\x0a[\x00-\x05]\x01[\x01-\x08]", "PCX"),
    (rb"BPG\xfb", "BPG"),
)
JPEG_XL = re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ", re.DOTALL)


@cache
def opened_formats() -> tuple[str, ...]:
    """Returns the names of the formats that Pillow may open, after teaching it those of its plug-ins."""
    bound_exif()
    pi_heif.register_heif_opener()
    try:
        import_module("pillow_jxl")  # an optional plug-in, which registers itself
    except ImportError:
        return OPENED_FORMATS
    return (*OPENED_FORMATS, "JXL")


def format_of(data: bytes) -> str:
    """Returns what the first bytes say the format is, of those that are read; an empty text for any other."""
    return _named(SIGNATURES, data)


def unreadable(data: bytes) -> RejectedImage:
    """Returns why no decoder takes these bytes for a picture of its own."""
    name = format_of(data)
    if name and name != "PPM":  # which a text may begin like
        return RejectedImage("unreadable_kind", format=name)
    if other := other_kind(data):
        return other
    if kind := archive_kind(data):
        return RejectedImage("archive_not_picture", kind=kind)
    if JPEG_XL.match(data) and "JXL" not in opened_formats():
        return RejectedImage("jpeg_xl_needs_package")
    if name:
        return RejectedImage("unreadable_kind", format=name)
    if name := _named(NEVER_READ, data) or ("Targa" if is_tga(data) else ""):
        return RejectedImage("format_not_read", format=name)
    return RejectedImage("no_picture", formats=", ".join(opened_formats()))


def no_archive(head: bytes) -> RejectedImage | None:
    """Returns why a file of the name of an archive is none, by its first bytes; None where they do not show it."""
    if name := format_of(head):
        return RejectedImage("picture_not_archive", format=name)
    return other_kind(head) if any(head) or not head else None  # a tar without files is nothing but zeros


def too_large(most: int = MAX_PIXELS) -> RejectedImage:
    """Returns why a picture of more pixels that cannot be read reduced is refused."""
    return RejectedImage("too_many_pixels", most=-(-min(most, MAX_PIXELS) // 1_000_000))


def check_dimensions(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Raises RejectedImage for a picture of more than `most` pixels, or one that is a mere strip."""
    if width * height > most:
        raise too_large(most)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RejectedImage("too_narrow", width=str(width), height=str(height), most=MAX_ASPECT)


def _named(signatures: tuple[tuple[bytes, str], ...], data: bytes) -> str:
    return next((name for pattern, name in signatures if re.match(pattern, data[:160], re.DOTALL)), "")
