"""Converts the colours of a picture to sRGB, by the profile that it carries."""

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageCms

SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}  # what a profile calls the colours of each mode
KEPT_TRANSFORMS = 64


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Returns the picture as RGB in sRGB; `image` is RGB, L or CMYK. Without a profile, or with one that does not fit,
    its numbers are taken as they are."""
    if not profile:
        return image if image.mode == "RGB" else image.convert("RGB")
    for mode in dict.fromkeys((image.mode, "RGB")):  # greys often carry the profile of the colours they came from
        if transform := _transform(profile, mode):
            return transform.apply(image.convert(mode))
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(KEPT_TRANSFORMS)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Returns None where there is nothing to convert: for sRGB itself, another mode and a damaged profile."""
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        if given.profile.xcolor_space.strip() != SPACES[mode]:
            return None
        if mode == "RGB" and "srgb" in (given.profile.profile_description or "").lower():
            return None
        return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
