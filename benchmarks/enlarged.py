"""Counts how many enlarged copies of photos are recognised as such, by the way they were enlarged and saved.

python -m benchmarks.enlarged --photos FOLDER
"""

import itertools
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageFilter

from library.duplicates.enlarged import is_enlarged

Scale = Image.Resampling
SIDE = 384
KERNELS = (Scale.NEAREST, Scale.BILINEAR, Scale.BICUBIC, Scale.LANCZOS)
LARGER, SMALLER = (1.25, 1.5, 2, 3), (0.8, 0.67, 0.5, 0.33)
DONE = {
    "enlarged": None,
    "enlarged and sharpened": ImageFilter.SHARPEN,
    "enlarged and sharpened by 150 %": ImageFilter.UnsharpMask(2, 150, 0),
}
FILES: tuple[tuple[str, int], ...] = (("PNG", 0), ("JPEG", 90), ("JPEG", 75), ("JPEG", 30))


def main(photos: Annotated[Path, typer.Option(help="A folder of lossless photos.")], limit: int = 4) -> None:
    found: Counter[tuple[str, str]] = Counter()
    trials: Counter[tuple[str, str]] = Counter()
    for path, blur in itertools.product(sorted(photos.glob("*.png"))[:limit], (0, 1)):
        photo = _middle(Image.open(path).convert("RGB")).filter(ImageFilter.GaussianBlur(blur))
        for kind, file, is_told in [*_copies(photo), *_originals(photo, blur)]:
            trials[kind, file] += 1
            found[kind, file] += is_told
    print("| larger picture | file | told to be enlarged |\n|---|---|---:|")
    for kind, file in trials:
        print(f"| {kind} | {file} | {found[kind, file]} of {trials[kind, file]} |")


def _copies(photo: Image.Image) -> list[tuple[str, str, bool]]:
    small = _resized(photo, 0.5, Scale.LANCZOS)
    told = []
    for factor, kernel, (kind, sharpener) in itertools.product(LARGER, KERNELS, DONE.items()):
        large = _resized(small, factor, kernel)
        for format, quality in FILES:
            data = _saved(large.filter(sharpener) if sharpener else large, format, quality)
            told.append((kind, f"{format} {quality or ''}".strip(), is_enlarged(data, _saved(small, "PNG", 0))))
    return told


def _originals(photo: Image.Image, blur: int) -> list[tuple[str, str, bool]]:
    kind = "original, blurred" if blur else "original"
    told = []
    for factor, kernel, (format, quality) in itertools.product(SMALLER, KERNELS[1:], FILES):
        small = _saved(_resized(photo, factor, kernel), "PNG", 0)
        told.append((kind, f"{format} {quality or ''}", is_enlarged(_saved(photo, format, quality), small)))
    return told


def _middle(photo: Image.Image) -> Image.Image:
    left, top = (photo.width - SIDE) // 2, (photo.height - SIDE) // 2
    return photo.crop((left, top, left + SIDE, top + SIDE))


def _resized(photo: Image.Image, factor: float, kernel: Image.Resampling) -> Image.Image:
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), kernel)


def _saved(photo: Image.Image, format: str, quality: int) -> bytes:
    buffer = BytesIO()
    photo.save(buffer, format, **({"quality": quality} if quality else {}))
    return buffer.getvalue()


if __name__ == "__main__":
    typer.run(main)
