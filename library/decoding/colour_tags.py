"""Makes a profile of what a file without one says of its colours: PNG chunks, numbers in HEIC and AVIF, EXIF."""

import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from library.decoding import heif, png
from library.decoding.containers import profile_of_jpeg_2000
from library.decoding.formats import format_of

Point = tuple[float, float]
Curve = NDArray[np.float64]

D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
DAYLIGHT, OFFICE_LIGHT, CINEMA = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
ENTRIES = 4096
SRGB_GAMMA, NEARLY = 2.2, 0.05  # the gamma that files write for sRGB; libpng, too, takes what is this near for the same
SAME_POINT = 0.005
ADOBE_GAMMA = 563 / 256
REFERENCE_WHITE, PEAK, BRIGHTEST = 203, 1000, 10_000  # candelas per square metre: paper, a bright lamp, the end of PQ
KNEE = 0.5  # of paper white: what is darker stays as it is
ADOBE, UNCALIBRATED = 2, 65535
INTEROPERABILITY = 1
SIGNS_OF_ADOBE = (b"R03\0", b"\x01\xa0\3\0\1\0\0\0\2\0", b"\xa0\x01\0\3\0\0\0\1\0\2")


class Colours(NamedTuple):
    """Says which red, green, blue and white are meant; the transfer is one of those that H.273 numbers, or a gamma."""

    points: tuple[Point, Point, Point]
    white: Point
    transfer: float


SRGB_POINTS = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
PRIMARIES: dict[int, tuple[tuple[Point, Point, Point], Point]] = {
    1: (SRGB_POINTS, DAYLIGHT),
    4: (((0.670, 0.330), (0.210, 0.710), (0.140, 0.080)), OFFICE_LIGHT),
    5: (((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)), DAYLIGHT),
    6: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), DAYLIGHT),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), DAYLIGHT),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), DAYLIGHT),
    11: (P3, CINEMA),
    12: (P3, DAYLIGHT),
}
ADOBE_RGB = Colours(((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)), DAYLIGHT, ADOBE_GAMMA)
SRGB_CURVE, PQ, HLG = 0.0, -16.0, -18.0  # apart from gammas, which are positive
TRANSFERS = {4: 2.2, 5: 2.8, 8: 1.0, 16: PQ, 17: 2.6, 18: HLG}  # all others look like sRGB on a screen


def profile_of(image: Image.Image, data: bytes) -> bytes | None:
    """Returns the profile that the picture carries, or one of what its file says instead; None for sRGB. The numbers
    of cICP come before a profile, and a profile before everything else."""
    if image.format == "PNG":
        if numbers := png.found(data, b"cICP"):
            return _profile_of_numbers(*numbers[:2]) if len(numbers) == 4 else None
        return image.info.get("icc_profile") or _profile_of_png(image)
    if profile := image.info.get("icc_profile"):
        return bytes(profile)
    if image.format == "JPEG2000":  # which Pillow does not look for
        return profile_of_jpeg_2000(data)
    if image.format != "JPEG" and format_of(data) in ("HEIC", "AVIF") and (named := heif.colour_numbers(data)):
        return _profile_of_numbers(*named)
    return _made(ADOBE_RGB) if _is_adobe_rgb(image) else None


def _profile_of_png(image: Image.Image) -> bytes | None:
    if "srgb" in image.info:
        return None
    gamma, chromaticity = image.info.get("gamma") or 0, image.info.get("chromaticity") or ()
    if not gamma:  # as browsers have it, which would have to guess how bright the colours are
        return _made(ADOBE_RGB) if _is_adobe_rgb(image) else None
    points, white = PRIMARIES[1]
    if len(chromaticity) == 8:
        white, *rest = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        points = (rest[0], rest[1], rest[2])
    colours = Colours(points, white, 1 / gamma)
    is_srgb = _are_of_srgb(colours) and abs(1 / gamma - SRGB_GAMMA) < NEARLY * SRGB_GAMMA
    return None if is_srgb else _made(colours)


def _profile_of_numbers(primaries: int, transfer: int) -> bytes | None:
    return _made(Colours(*PRIMARIES.get(primaries, PRIMARIES[1]), TRANSFERS.get(transfer, SRGB_CURVE)))


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Returns whether EXIF says so, which the camera writes where it puts no profile into the file."""
    written = image.info.get("exif", b"")
    if not isinstance(written, bytes) or not any(sign in written for sign in SIGNS_OF_ADOBE):
        return False
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace, UNCALIBRATED)
        if space != UNCALIBRATED:
            return bool(space == ADOBE)
        return str(exif.get_ifd(ExifTags.IFD.Interop)[INTEROPERABILITY]).strip("\0 ") == "R03"
    except Exception:  # a broken EXIF block says nothing
        return False


@lru_cache(64)
def _made(colours: Colours) -> bytes | None:
    """Returns the profile; None for one of sRGB and for points that no picture can have."""
    if colours.transfer == SRGB_CURVE and _are_of_srgb(colours):
        return None
    try:
        columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in colours.points]).T
        x, y = colours.white
        white = np.array((x / y, 1, (1 - x - y) / y))
        to_xyz = columns * np.linalg.solve(columns, white)
        cones = np.diag((BRADFORD @ D50) / (BRADFORD @ white))
        return _written(np.linalg.inv(BRADFORD) @ cones @ BRADFORD @ to_xyz, _curve(colours.transfer))
    except (ArithmeticError, np.linalg.LinAlgError, struct.error, ValueError):
        return None


def _are_of_srgb(colours: Colours) -> bool:
    stated, known = (np.array([*points, white]) for points, white in (colours[:2], PRIMARIES[1]))
    return bool(np.abs(stated - known).max() < SAME_POINT)


def _curve(transfer: float) -> Curve:
    """Returns the light for each value, 1 being white."""
    values = np.linspace(0, 1, ENTRIES)
    if transfer == SRGB_CURVE:
        light: Curve = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return light
    if transfer == PQ:
        root = values ** (32 / 2523)
        light = (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305)
        return _on_paper(light * (BRIGHTEST / REFERENCE_WHITE))
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
        return _on_paper(scene**1.2 * (PEAK / REFERENCE_WHITE))
    return values**transfer


def _on_paper(light: Curve) -> Curve:
    """Brings what is brighter than paper below its white, the peak to white itself."""
    over, most = (np.maximum((each - KNEE) / (1 - KNEE), 0) for each in (light, PEAK / REFERENCE_WHITE))
    bent = KNEE + (1 - KNEE) * over * (1 + over / most**2) / (1 + over)
    return np.minimum(np.where(light <= KNEE, light, bent), 1)


def _written(matrix: NDArray[np.float64], curve: Curve) -> bytes:
    light = np.rint(curve * 65535).astype(">u2").tobytes()
    table = struct.pack(">4sII", b"curv", 0, ENTRIES) + light
    name = b"stated in the file\0"
    parts = {b"desc": struct.pack(">4sII", b"desc", 0, len(name)) + name + bytes(79), b"wtpt": _xyz(D50)}
    parts |= {letter + b"XYZ": _xyz(matrix[:, place]) for place, letter in enumerate((b"r", b"g", b"b"))}
    places, body = [], b""
    start = 128 + 4 + 12 * (len(parts) + 3)
    for tag, content in [*parts.items(), (b"TRC", table)]:
        names = [letter + tag for letter in (b"r", b"g", b"b")] if tag == b"TRC" else [tag]
        places += [struct.pack(">4sII", each, start + len(body), len(content)) for each in names]
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    light_of_space = _xyz(D50)[8:]
    head = head.ljust(36, b"\0") + b"acsp".ljust(32, b"\0") + light_of_space
    return head.ljust(128, b"\0") + struct.pack(">I", len(places)) + b"".join(places) + body


def _xyz(values: NDArray[np.float64] | tuple[float, ...]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(float(value) * 65536) for value in values))
