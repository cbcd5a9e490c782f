"""Reads one picture in every format and variant, whole and damaged, and lists which are read correctly or refused.

python -m benchmarks.formats [--photos FOLDER]

With photos, the files of FOLDER/odd are read too. It fails where anything else happens: a crash, or a wrong picture.
"""

import warnings
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks.backends import print_row
from benchmarks.format_variants import COARSE, Variant, damages, variants
from library.errors import RejectedImage
from library.images import decode, thumbnail
from testing.photo import photo_like

DAMAGED = {("JPEG", "colours"), ("JPEG", "progressive"), ("PNG", "mode RGB"), ("GIF", "colours"), ("BMP", "colours")}
DAMAGED |= {
    ("PPM", "colours"),
    ("TIFF", "raw"),
    ("TIFF", "tiff_lzw"),
    ("TIFF", "tiff_adobe_deflate"),
    ("WEBP", "quality"),
    ("WEBP", "lossless"),
}
DAMAGED |= {("AVIF", "quality"), ("JPEG2000", "colours"), ("NEF", "with a preview")}
WITHOUT_CHECKSUMS = {"AVIF", "BMP", "GIF", "JPEG2000", "NEF", "PPM", "TIFF", "WEBP"}  # no reader can tell noise in them
UNTOLD = "read; the format has no checksums to tell the noise by"
WRONG = "WRONG"


def main(
    photos: Annotated[Path | None, typer.Option(envvar="PHOTOS_DIR", help="A folder with a folder `odd`.")] = None,
) -> None:
    warnings.simplefilter("ignore")
    print_row(["format", "variant", "outcome"])
    print_row(["---", "---", "---"])
    found = list(variants(photo_like()))
    outcomes: Counter[str] = Counter()
    for variant in [*found, *_damaged(found), *_odd(photos)]:
        outcome = _outcome(variant)
        outcomes[outcome.split(":")[0].split(",")[0].split(";")[0]] += 1
        print_row([variant.format, variant.name, outcome])
    print(f"\n{outcomes.total()} files: " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    raise SystemExit(1 if outcomes[WRONG] else 0)


def _damaged(found: list[Variant]) -> list[Variant]:
    return [
        Variant(each.format, f"{each.name}, {name}", damage(each.data), each.shown, COARSE)
        for each in found
        if (each.format, each.name) in DAMAGED
        for name, damage in damages().items()
    ]


def _odd(photos: Path | None) -> list[Variant]:
    paths = sorted((photos / "odd").iterdir()) if photos and (photos / "odd").is_dir() else []
    return [Variant("odd", path.name, path.read_bytes(), None) for path in paths]


def _outcome(variant: Variant) -> str:
    try:
        picture = decode(variant.data)
        thumbnail(picture)
    except RejectedImage as error:
        may_be_refused = variant.shown is None or variant.tolerance == COARSE
        return f"refused: {error}" if may_be_refused else f"{WRONG}: refused, {error}"
    except Exception as error:
        return f"{WRONG}: {type(error).__name__}: {error}"
    noted = f", with the note: {picture.note}" if picture.note else ""
    if variant.shown is None:
        return f"read{noted}" if variant.format == "odd" else f"{WRONG}: read, though nothing can be"
    difference = _difference(picture.image, variant.shown)
    if difference <= variant.tolerance:
        return f"right{noted}"
    if "noise" in variant.name and (
        variant.format in WITHOUT_CHECKSUMS or picture.note or "progressive" in variant.name
    ):
        return f"{UNTOLD}{noted}"
    return f"{WRONG}: the picture differs by {difference:.0f} of 255{noted}"


def _difference(one: Image.Image, other: Image.Image) -> float:
    pair = [np.asarray(each.convert("RGB").resize((120, 90)), np.float32) for each in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean())


if __name__ == "__main__":
    typer.run(main)
