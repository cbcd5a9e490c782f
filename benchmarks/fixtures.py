"""Makes the fixtures of benchmarks: a full-size CLIP of random weights, photos, pictures made from them, a library."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.results import CACHE
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from db.sources.files import items_from
from encoders.clip import ClipEncoder
from encoders.engines.quicken import quicken
from encoders.loading import load_encoder
from library.decoders.direct import Decoder
from library.image_library import ImageLibrary
from library.images import ContentId, content_id
from library.ingest.items import Item
from library.models import Models, ModelSource
from library.ports import Encoder
from testing.tiny_clip import save_random_base_clip

MIN_SIDE = 100
NOISE_SIDE = 1024


class Kind(NamedTuple):
    """Describes pictures of one size, each a JPEG of `smallest` to `largest` bytes."""

    name: str
    size: tuple[int, int]
    noise: float
    smallest: int
    largest: int


SMALL = Kind("500x375", (500, 375), 3, 30_000, 60_000)
LARGE = Kind("12-megapixel", (4000, 3000), 4, 2_000_000, 3_000_000)


def base_clip(cache: Path) -> Path:
    """Returns a ViT-B/32 of random weights, made once."""
    folder = cache / "ViT-B-32"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = save_random_base_clip(Path(tempfile.mkdtemp(dir=cache)) / "ViT-B-32")
        fresh.rename(folder)
        fresh.parent.rmdir()
    return folder


def validation(photos: Path) -> Path:
    """Returns the photos that the bundled CLIP was not trained on: below the folder, or beside it."""
    for folder in (photos, photos.parent):
        if found := sorted(folder.rglob("validation")):
            return found[0]
    raise SystemExit(f"There is no folder named validation in {photos} or beside it.")


def photo_paths(photos: Path, count: int, long_side: int = MIN_SIDE) -> list[Path]:
    """Returns as many JPEG photos, always the same ones, at least that long, no two alike."""
    candidates = sorted(photos.rglob("*.jpg"))
    random.Random(0).shuffle(candidates)
    chosen: dict[ContentId, Path] = {}
    for path in candidates:
        if len(chosen) == count:
            break
        if _is_photo(path, long_side):
            chosen.setdefault(content_id(path.read_bytes()), path)
    if len(chosen) < count:
        raise SystemExit(f"{photos} holds {len(chosen)} photos of {long_side} px and more, {count} are needed.")
    return list(chosen.values())


def generated(kind: Kind, count: int, photos: Path, cache: Path) -> list[Path]:
    """Makes JPEGs from photos: crops, enlarged, with the noise that makes their size that of a camera's."""
    folder = cache / kind.name
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    if missing := [path for path in paths if not path.exists()]:
        sources = photo_paths(photos, 400, long_side=300)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda path: _make(kind, path, sources), missing))
    return paths


def items_of(paths: Sequence[Path]) -> list[Item]:
    return list(items_from([str(path) for path in paths]))


def quick_encoder(model: str, engine: str = "auto") -> ClipEncoder:
    """Returns an encoder as the app has it, once the engine is chosen."""
    encoder = load_encoder(model)
    if quickening := quicken(encoder, engine, home=CACHE / "engines"):
        quickening.wait()
    return encoder


@contextmanager
def empty_library(
    encoder: Encoder, milvus: Milvus | None = None, decoder: Decoder | None = None
) -> Iterator[ImageLibrary]:
    """Yields an empty, open library, on Milvus Lite where no Milvus is given; its collection was loaded once."""
    with temporary_folder() as folder:
        models = Models(ModelSource(encoder.info.name, lambda: encoder))
        store = LocalImageStore(folder / "images")
        library = ImageLibrary(store, models, milvus or Milvus(folder / "milvus.db"), decoder=decoder)
        library.open()
        library.count_rows()
        try:
            yield library
        finally:
            library.close()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="likeness-benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_photo(path: Path, long_side: int) -> bool:
    try:
        with Image.open(path) as image:
            if max(image.size) < long_side or min(image.size) < MIN_SIDE:
                return False
            image.load()
            return image.mode == "RGB"
    except OSError:
        return False


def _make(kind: Kind, path: Path, sources: Sequence[Path]) -> None:
    rng = random.Random(f"{kind.name} {path.stem}")
    with Image.open(rng.choice(sources)) as photo:
        crop = _crop(photo.convert("RGB"), kind.size[0] / kind.size[1], rng)
    enlarged = crop.resize(kind.size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        enlarged = enlarged.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    partial = path.with_suffix(".partial")
    partial.write_bytes(_of_fitting_size(kind, _with_noise(enlarged, kind.noise, rng)))
    partial.rename(path)


def _crop(photo: Image.Image, ratio: float, rng: random.Random) -> Image.Image:
    width = min(photo.width, photo.height * ratio) * rng.uniform(0.7, 1)
    height = width / ratio
    left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
    return photo.crop((int(left), int(top), int(left + width), int(top + height)))


def _with_noise(image: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    pixels = np.asarray(image)
    shift = rng.randrange(NOISE_SIDE), rng.randrange(NOISE_SIDE)
    tile = np.roll(_noise(strength), shift, axis=(0, 1))
    repeats = [-(-side // NOISE_SIDE) for side in pixels.shape[:2]]
    noise = np.tile(tile, (*repeats, 1))[: pixels.shape[0], : pixels.shape[1]]
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


@cache
def _noise(strength: float) -> np.ndarray:
    """Draws noise mostly of brightness, as a camera's is."""
    rng = np.random.default_rng(0)
    brightness = rng.normal(0, strength, (NOISE_SIDE, NOISE_SIDE, 1))
    colour = rng.normal(0, strength / 4, (NOISE_SIDE, NOISE_SIDE, 3))
    return (brightness + colour).astype(np.int16)


def _of_fitting_size(kind: Kind, image: Image.Image) -> bytes:
    data = b""
    for quality in (90, 94, 86, 82, 96, 78, 74, 70, 66, 62):
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
        if kind.smallest <= len(data) <= kind.largest:
            break
    return data
