"""Builds small colour profiles, as cameras, screens and presses embed them."""

import struct
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

D50 = (0.9642, 1.0, 0.8249)
D65 = (0.9505, 1.0, 1.089)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def rgb_profile(primaries: tuple[tuple[float, float], ...], gamma: float = 2.2, name: str = "wide") -> bytes:
    """Returns the profile of a screen with these primaries and the white of daylight."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    to_xyz = columns * np.linalg.solve(columns, D65)
    cones = np.diag((BRADFORD @ D50) / (BRADFORD @ D65))
    adapted = np.linalg.inv(BRADFORD) @ cones @ BRADFORD @ to_xyz
    colours = {f"{letter}XYZ": _xyz(adapted[:, place]) for place, letter in enumerate("rgb")}
    curves = {f"{letter}TRC": _curve(gamma) for letter in "rgb"}
    return _profile("mntr", "RGB ", "XYZ ", name, {"wtpt": _xyz(D50), **colours, **curves})


def grey_profile(gamma: float) -> bytes:
    return _profile("mntr", "GRAY", "XYZ ", "grey", {"wtpt": _xyz(D50), "kTRC": _curve(gamma)})


def cmyk_profile(ink: float = 0.8) -> bytes:
    """Returns the profile of a printing press whose full ink lets `1 - ink` of its light through."""
    corners = np.stack(np.meshgrid(*[(0, 1)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    shown = np.round(255 * (1 - ink * corners[:, :3]) * (1 - ink * corners[:, 3:])).astype(np.uint8)
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = np.asarray(ImageCms.applyTransform(Image.fromarray(shown[None]), to_lab)).reshape(-1, 3)
    grid = (lab ^ np.array([0, 128, 128], np.uint8)).astype(np.uint8).tobytes()  # Pillow's a and b are signed
    straight = bytes(range(256))
    head = struct.pack(">4sI4B9i", b"mft1", 0, 4, 3, 2, 0, *(65536 * int(at % 4 == 0) for at in range(9)))
    table = head + straight * 4 + grid + straight * 3
    return _profile("prtr", "CMYK", "Lab ", "press", {"wtpt": _xyz(D50), "A2B0": table})


def converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Returns an sRGB picture converted to the profile, with the profile embedded."""
    target = ImageCms.ImageCmsProfile(BytesIO(profile))
    shown = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), target, outputMode="RGB")
    assert shown
    shown.info["icc_profile"] = profile
    return shown


def _profile(kind: str, space: str, between: str, name: str, tags: dict[str, bytes]) -> bytes:
    ascii = name.encode() + b"\0"
    description = struct.pack(">4sII", b"desc", 0, len(ascii)) + ascii + bytes(78)
    tags = {"desc": description, "cprt": b"text\0\0\0\0none\0", **tags}
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag.encode(), at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s24x", at + len(body), 0x02400000, *map(str.encode, (kind, space, between, "acsp"))
    )
    return (head + struct.pack(">4x3i", *_fixed(D50))).ljust(128, b"\0")[:128] + table + body


def _fixed(values) -> list[int]:
    return [round(value * 65536) for value in values]


def _xyz(values) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *_fixed(values))


def _curve(gamma: float) -> bytes:
    return struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256))
