"""Makes a map of where something is found in a picture, of its patches that have a vector each.

The vectors are those of MaskCLIP: C. Zhou, C. C. Loy, B. Dai, Extract Free Dense Labels from CLIP, ECCV 2022. What all
patches have in common with a query says nothing of the place, so a map begins at their mean, and is cubed, so that
what is a little above it does not outweigh the few that are far above.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.ports import EncoderInfo, Vector
from library.search.parts import Crop

WHOLE = Crop(0, 0, 1, 1)


@dataclass(frozen=True)
class Patches:
    """Holds a unit vector for each patch that the tower sees, shape (rows, columns, dim), and that of the picture."""

    each: NDArray[np.float32] = field(repr=False)
    whole: Vector = field(repr=False)


@runtime_checkable
class PatchEncoder(Protocol):
    """Encodes the patches of pictures too, in the space of the texts. Not every encoder can."""

    @property
    def info(self) -> EncoderInfo:
        """Returns what the encoder is and where it runs."""
        ...

    def encode_patches(self, image: Image.Image) -> Patches | None:
        """Returns the patches of an RGB picture; None where the model's tower has none."""
        ...


@dataclass(frozen=True)
class Heat:
    """Says where in a picture something is found.

    `values` has a number from 0 to 1 for each patch, shape (rows, columns); 1 is where it is found most, whether that
    is much or little. `box` is what of the picture the tower sees, as fractions of its upright width and height.
    """

    values: NDArray[np.float32]
    box: Crop = WHOLE


def heat_values(patches: NDArray[np.float32], vector: Vector) -> NDArray[np.float32]:
    """Returns how much each patch stands out by its likeness to the vector, 0 to 1; 0 everywhere where none does."""
    alike = patches @ vector
    above = np.maximum(alike - alike.mean(), 0)
    most = float(above.max(initial=0))
    values: NDArray[np.float32] = ((above / most) ** 3 if most > 1e-5 else np.zeros_like(above)).astype(np.float32)
    return values


def seen_box(preprocessing: Mapping[str, Any], width: int, height: int) -> Crop:
    """Returns what of a picture of that size the tower sees: some families cut the longer side's ends off."""
    cut = preprocessing.get("crop_size") if preprocessing.get("do_center_crop") else None
    if not cut:
        return WHOLE
    size = preprocessing.get("size") or {}
    scale = size["shortest_edge"] / min(width, height) if size.get("shortest_edge") else None
    wide = round(width * scale) if scale else size.get("width", cut["width"])
    high = round(height * scale) if scale else size.get("height", cut["height"])
    across, down = min(1.0, cut["width"] / wide), min(1.0, cut["height"] / high)
    return Crop((1 - across) / 2, (1 - down) / 2, across, down)


def within(outer: Crop, inner: Crop) -> Crop:
    """Returns where a part of a part of a picture lies in the whole picture."""
    left, top = outer.left + inner.left * outer.width, outer.top + inner.top * outer.height
    return Crop(left, top, min(inner.width * outer.width, 1 - left), min(inner.height * outer.height, 1 - top))
