"""Makes one picture in every format, depth, mode and profile that Pillow writes, each with what it should look like."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, features

from testing.profiles import ADOBE_RGB, P3, cmyk_profile, converted, grey_profile, rgb_profile
from testing.tiff_files import jpeg, jpeg_page, numbers_page, page, sensor_page, tiff

CLOSE, LOSSY, COARSE = 2.0, 6.0, 40.0  # mean differences of 255
START_OF_CR3 = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"


@dataclass(frozen=True)
class Variant:
    """Holds one file of the picture; `shown` is what it should look like, None where it should be refused."""

    format: str
    name: str
    data: bytes
    shown: Image.Image | None
    tolerance: float = CLOSE


def variants(photo: Image.Image) -> Iterator[Variant]:
    """Yields the picture in every form."""
    for make in (_jpegs, _pngs, _deep_greys, _tiffs, _numbers, _samples, _others, _animations, _profiles, *_MORE):
        yield from make(photo)


def written(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _jpegs(photo: Image.Image) -> Iterator[Variant]:
    grey = photo.convert("L")
    turned = Image.Exif()
    turned[274] = 6
    yield Variant("JPEG", "colours", jpeg(photo, quality=90), photo, LOSSY)
    yield Variant("JPEG", "4:4:4", jpeg(photo, quality=90, subsampling=0), photo, LOSSY)
    yield Variant("JPEG", "progressive", jpeg(photo, quality=90, progressive=True), photo, LOSSY)
    yield Variant("JPEG", "restart markers", jpeg(photo, quality=90, restart_marker_rows=1), photo, LOSSY)
    yield Variant("JPEG", "greys", jpeg(grey, quality=90), grey, LOSSY)
    yield Variant("JPEG", "inks", jpeg(photo.convert("CMYK"), quality=90), photo, LOSSY)
    yield Variant("JPEG", "turned", jpeg(photo, quality=90, exif=turned), photo.rotate(-90, expand=True), LOSSY)
    large = photo.resize((4800, 3600))
    yield Variant("JPEG", "large", jpeg(large, quality=90), photo, LOSSY)
    yield Variant(
        "MPO", "colours", written(photo, "MPO", quality=90, save_all=True, append_images=[grey]), photo, LOSSY
    )


def _pngs(photo: Image.Image) -> Iterator[Variant]:
    for mode in ("RGB", "L", "1"):
        yield Variant("PNG", f"mode {mode}", written(photo.convert(mode), "PNG"), photo.convert(mode))
    for colours in (256, 16, 4):
        palette = photo.quantize(colours)
        yield Variant("PNG", f"palette of {colours}", written(palette, "PNG"), palette.convert("RGB"))
    opaque = photo.copy()
    opaque.putalpha(255)
    yield Variant("PNG", "mode RGBA, opaque", written(opaque, "PNG"), photo)
    for name, colour in (("white", 255), ("black", 0)):
        shape = Image.new("LA", photo.size, (colour, 0))
        shape.putalpha(photo.convert("L").point(lambda value: 255 * (value > 128)))
        shown = Image.new("L", photo.size, 40 if colour else 255)
        shown.paste(colour, mask=shape.getchannel("A"))
        yield Variant("PNG", f"{name} on transparent", written(shape, "PNG"), shown)


def _deep_greys(photo: Image.Image) -> Iterator[Variant]:
    grey = np.asarray(photo.convert("L"), np.float32)
    for format in ("PNG", "TIFF"):
        for bits in (8, 10, 12, 14, 16):
            deep = Image.fromarray((grey * ((2**bits - 1) / 255)).astype(np.uint16))
            yield Variant(format, f"greys of {bits} bits in 16", written(deep, format), photo.convert("L"), LOSSY)


def _tiffs(photo: Image.Image) -> Iterator[Variant]:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        data = written(photo, "TIFF", compression=compression)
        yield Variant("TIFF", compression, data, photo, LOSSY)
    for mode in ("L", "1", "CMYK", "RGBA"):
        yield Variant("TIFF", f"mode {mode}", written(photo.convert(mode), "TIFF"), photo.convert(mode).convert("RGB"))
    yield Variant("TIFF", "fax", written(photo.convert("1"), "TIFF", compression="group4"), photo.convert("1"))
    yield Variant("TIFF", "BigTIFF", written(photo, "TIFF", big_tiff=True), photo)
    small = Image.new("RGB", (160, 120), "purple")
    yield Variant("TIFF", "third page is the largest", tiff([page(small), page(small), page(photo)]), photo)
    within = page(small, t254=1)
    within.children = [page(photo)]
    yield Variant("TIFF", "largest page within another", tiff([within]), photo)


def _numbers(photo: Image.Image) -> Iterator[Variant]:
    grey = np.array(photo.convert("L"), np.float32)
    stretched = (grey - grey.min()) * (255 / (grey.max() - grey.min()))
    negative = Image.fromarray(stretched.astype(np.uint8))
    grey *= 255 / grey.max()
    full = Image.fromarray(grey.astype(np.uint8))
    for most in (1, 1.05, 1.5, 8, 300, 4095, 5000, 1_020_000):
        fractions = Image.fromarray(grey * np.float32(most / 255))
        yield Variant("TIFF", f"fractions to {most}", written(fractions, "TIFF"), full, LOSSY)
    yield Variant("TIFF", "negative fractions", written(Image.fromarray(grey - 300), "TIFF"), negative)
    whole = Image.fromarray((grey * 50 - 4000).astype(np.int32))
    yield Variant("TIFF", "negative whole numbers", written(whole, "TIFF"), negative)
    grey[:3, :3], grey[:3, 3:6], grey[:3, 6:9] = np.nan, np.inf, -np.inf
    yield Variant("TIFF", "NaN and infinite", written(Image.fromarray(grey / 255), "TIFF"), full, LOSSY)
    for filler in (-9999, -32_768, 9999, 1e20, 1e38):
        grey[:3, :9] = filler
        yield Variant("TIFF", f"no data as {filler:g}", written(Image.fromarray(grey), "TIFF"), full, LOSSY)


def _samples(photo: Image.Image) -> Iterator[Variant]:
    layouts: dict[str, dict[str, Any]] = {
        "strips": {},
        "planes": {"apart": True},
        "tiles": {"tile": 64},
        "planes of tiles, packed": {"tile": 64, "apart": True, "packed": True},
        "differences, packed": {"packed": True, "differences": True},
    }
    bands = np.asarray(photo, np.float64)
    for name, values in (("colours", bands), ("greys", bands[..., 1:2])):
        values = (values - values.min()) / np.ptp(values)
        shown = Image.fromarray(np.rint(np.broadcast_to(values, bands.shape) * 255).astype(np.uint8))
        for kind in ("u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"):
            size = int(kind[1])
            most = {"u": 256**size - 1, "i": 128 * 256 ** (size - 1) - 1, "f": 1}[kind[0]]
            stored = (values * min(most, 2**52)).astype(kind)
            for layout, options in layouts.items():
                data = tiff([numbers_page(stored, **options)])
                yield Variant("TIFF", f"{name} of {kind} in {layout}", data, shown, LOSSY)
    for value in (np.nan, np.inf):
        yield Variant("TIFF", f"nothing but {value}", tiff([numbers_page(np.full((90, 120, 1), value, "f4"))]), None)
    for number, name in ((34887, "LERC"), (50001, "WebP"), (34712, "JPEG 2000"), (50002, "JPEG XL")):
        yield Variant(
            "TIFF", f"packed by {name}", tiff([numbers_page(np.zeros((90, 120, 3), "u1"), t259=number)]), None
        )


def _others(photo: Image.Image) -> Iterator[Variant]:
    for format, options, tolerance in (
        ("WEBP", {"quality": 90}, LOSSY),
        ("WEBP", {"lossless": True}, CLOSE),
        ("GIF", {}, LOSSY),
        ("BMP", {}, CLOSE),
        ("PPM", {}, CLOSE),
        ("JPEG2000", {}, CLOSE),
        ("JPEG2000", {"quality_layers": [20]}, LOSSY),
        ("AVIF", {"quality": 90}, LOSSY),
    ):
        if format != "AVIF" or features.check("avif"):
            name = ", ".join(map(str, options)) or "colours"
            yield Variant(format, name, written(photo, format, **options), photo, tolerance)
    for format, mode in (("BMP", "L"), ("BMP", "1"), ("PPM", "L"), ("PPM", "1"), ("JPEG2000", "L"), ("WEBP", "RGBA")):
        options = {"lossless": True} if format == "WEBP" else {}
        data = written(photo.convert(mode), format, **options)
        yield Variant(format, f"mode {mode}", data, photo.convert(mode).convert("RGB"))


def _animations(photo: Image.Image) -> Iterator[Variant]:
    blank = Image.new("RGB", photo.size, "white")
    for format in ("GIF", "WEBP", "PNG", "AVIF"):
        if format != "AVIF" or features.check("avif"):
            data = written(blank, format, save_all=True, append_images=[blank, photo], duration=50)
            yield Variant(format, "animation with a blank start", data, photo, LOSSY)


def _profiles(photo: Image.Image) -> Iterator[Variant]:
    for name, profile in (("Display P3", rgb_profile(P3)), ("Adobe RGB", rgb_profile(ADOBE_RGB))):
        wide = converted(photo, profile)
        for format in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF"):
            if format != "AVIF" or features.check("avif"):
                options = {} if format in ("PNG", "TIFF") else {"quality": 92}
                data = written(wide, format, icc_profile=profile, **options)
                yield Variant(format, f"profile {name}", data, photo, LOSSY)
    linear = photo.convert("L").point([round(255 * (each / 255) ** 2.2) for each in range(256)])
    for format in ("JPEG", "PNG", "TIFF"):
        data = written(linear, format, icc_profile=grey_profile(1.0))
        yield Variant(format, "profile of linear greys", data, photo.convert("L"), LOSSY)
    inks = photo.convert("CMYK")
    faded = Image.fromarray((255 - 0.8 * (255 - np.asarray(photo, np.float32))).astype(np.uint8))
    for format in ("JPEG", "TIFF"):
        yield Variant(format, "profile of inks", written(inks, format, icc_profile=cmyk_profile()), faded, 2 * LOSSY)


def _stated(photo: Image.Image) -> Iterator[Variant]:
    for name, points in (("Display P3", P3), ("Adobe RGB", ADOBE_RGB)):
        wide = converted(photo, rgb_profile(points))
        wide.info.clear()
        numbers = [round(100_000 * each) for point in ((0.3127, 0.329), *points) for each in point]
        stated = {b"gAMA": struct.pack(">I", 45_455), b"cHRM": struct.pack(">8I", *numbers)}
        yield Variant("PNG", f"gamma and primaries of {name}", _with_chunks(written(wide, "PNG"), stated), photo)
        stated[b"sRGB"] = b"\0"
        yield Variant("PNG", f"sRGB before the primaries of {name}", _with_chunks(written(photo, "PNG"), stated), photo)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 2
    for format in ("JPEG", "PNG", "WEBP"):
        options: dict[str, Any] = {} if format == "PNG" else {"quality": 92}
        yield Variant(format, "Adobe RGB by EXIF", written(wide, format, exif=exif.tobytes(), **options), photo, LOSSY)
    wide = converted(photo, rgb_profile(P3))
    wide.info.clear()
    by_number = _with_chunks(written(wide, "PNG"), {b"cICP": bytes([12, 13, 0, 1]), b"sRGB": b"\0"})
    yield Variant("PNG", "Display P3 by number", by_number, photo, LOSSY)
    if features.check("avif"):
        data = written(wide, "AVIF", quality=92).replace(b"colrnclx\0\1\0\r", b"colrnclx\0\x0c\0\r")
        yield Variant("AVIF", "Display P3 by number", data, photo, LOSSY)


def _with_chunks(png: bytes, chunks: dict[bytes, bytes]) -> bytes:
    made = (struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in chunks.items())
    return png[:33] + b"".join(made) + png[33:]


def _raws(photo: Image.Image) -> Iterator[Variant]:
    small = photo.resize((160, 120))
    for make, format in (("NIKON", "NEF"), ("SONY", "ARW"), ("PENTAX", "PEF"), ("SAMSUNG", "SRW"), ("Canon", "CR2")):
        first = page(small, t254=1)
        first.tags[271] = make
        first.children = [jpeg_page(photo), sensor_page(6000, 4000)]
        yield Variant(format, "with a preview", tiff([first]), photo, LOSSY)
        first.children = [jpeg_page(small), sensor_page(6000, 4000)]
        yield Variant(format, "with a thumbnail", tiff([first]), None)
    for format, start in (("RAF", b"FUJIFILMCCD-RAW 0201"), ("CR3", START_OF_CR3), ("ORF", b"IIRO"), ("RW2", b"IIU\0")):
        yield Variant(format, "with a preview", start + bytes(99) + jpeg(small) + jpeg(photo, quality=90), photo, LOSSY)
        yield Variant(format, "without a preview", start + bytes(999), None)


def _refused(photo: Image.Image) -> Iterator[Variant]:
    starts: dict[str, bytes] = {
        "JPEG XL": b"\xff\x0a",
        "PSD": b"8BPS",
        "EXR": b"v/1\x01",
        "DICOM": bytes(128) + b"DICM",
        "JPEG XR": b"II\xbc\x01",
        "PDF": b"%PDF-1.7",
        "SVG": b"<svg>",
        "text": b"words",
    }
    for format, start in starts.items():
        yield Variant(format, "any", start + bytes(2000), None)


_MORE = (_stated, _raws, _refused)
Damage = Callable[[bytes], bytes]


def damages() -> dict[str, Damage]:
    """Returns ways to damage a file, by name."""
    cuts: dict[str, Damage] = {
        f"cut to {share:.0%}": partial(_cut, share=share) for share in (0.99, 0.97, 0.94, 0.75, 0.5, 0.1)
    }
    overwritten: dict[str, Damage] = {
        f"{size} bytes of noise at {place:.0%}": partial(_with_noise, size=size, place=place)
        for size in (16, 400)
        for place in (0.02, 0.3, 0.6, 0.9)
    }
    return cuts | overwritten | {"last 2 bytes missing": lambda data: data[:-2]}


def _cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def _with_noise(data: bytes, size: int, place: float) -> bytes:
    at = int(len(data) * place)
    noise = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8).tobytes()
    return (data[:at] + noise + data[at + size :])[: len(data)]
