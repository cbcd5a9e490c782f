"""Turns pictures in memory, as Pillow or numpy hold them, into the bytes of a file."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from library.errors import RejectedImage
from library.images import as_srgb

Pixels = Image.Image | NDArray[Any]

NUMBERS = "buif"  # the kinds of numpy: truths, whole numbers and fractions
SAVED_AS_THEY_ARE = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def png_bytes(picture: Pixels) -> bytes:
    """Returns the picture as a PNG, upright. The same pixels give the same bytes.

    An array is height x width, or height x width x 1, 3 or 4 channels; of 8-bit numbers, or of fractions from 0 to 1.
    Raises RejectedImage for any other array, and for a picture of Pillow that is closed, empty or damaged.
    """
    image = picture if isinstance(picture, Image.Image) else _image_of(picture)
    buffer = BytesIO()
    try:
        upright = ImageOps.exif_transpose(image)
        kept = upright if upright.mode in SAVED_AS_THEY_ARE else as_srgb(upright)
        kept.save(buffer, "PNG", compress_level=1)
    except (OSError, SyntaxError, SystemError, ValueError) as error:  # as Pillow raises them for what it cannot read
        raise RejectedImage("damaged") from error
    return buffer.getvalue()


def _image_of(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not array.size or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise RejectedImage("array_shape", shape=str(array.shape))
    if array.dtype.kind not in NUMBERS:
        raise RejectedImage("array_type", type=str(array.dtype))
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif np.issubdtype(array.dtype, np.floating):
        _check_range(array, 1)
        array = np.round(array * 255)
    _check_range(array, 255)
    return Image.fromarray(np.ascontiguousarray(array, dtype=np.uint8))


def _check_range(array: NDArray[Any], highest: int) -> None:
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= highest):  # so that NaN is refused, too
        raise RejectedImage("array_values", low=f"{low:g}", high=f"{high:g}", highest=highest, type=str(array.dtype))
