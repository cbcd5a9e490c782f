"""Keeps libtiff from writing to the terminal what Pillow raises anyway."""

import ctypes
from contextlib import suppress
from functools import cache

from PIL import _imaging


@cache
def silence_libtiff() -> None:
    """Takes away the handlers of libtiff that print, in the copy of it that Pillow has loaded."""
    with suppress(OSError, AttributeError):  # a Pillow without libtiff, or one that hides its names
        pillow = ctypes.CDLL(_imaging.__file__)
        pillow.TIFFSetErrorHandler(None)
        pillow.TIFFSetWarningHandler(None)
