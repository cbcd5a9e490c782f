"""Measures the accuracy lost by bfloat16, layers in 8 bits and reduced decoding, beside float32 and full decoding.

python -m benchmarks.accuracy --photos FOLDER
"""

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import typer
from PIL import Image

from benchmarks.fixtures import LARGE, base_clip, generated, photo_paths, validation
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, publish
from encoders.clip import ClipEncoder, ImageWay, by_torch
from encoders.int8 import replace_layers
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.images import decode
from library.ports import Vectors

NEIGHBOURS = 10
CHUNK = 16  # full pictures of 12 megapixels take 36 MB each
Decode = Callable[[bytes], Image.Image]


def main(
    photos: Photos,
    count: int = 200,
    large_count: int = 64,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    if quick:
        count, large_count = 40, 16
    materials = {
        f"{count} photos": photo_paths(photos, count),
        f"{large_count} 12-megapixel JPEGs": generated(LARGE, large_count, photos, cache),
    }
    rows = [
        row
        for name, model in (("ViT-B/32 of random weights", str(base_clip(cache))), ("the bundled small CLIP", SMALL))
        for what, paths in materials.items()
        for row in rows_of(f"{name}, {what}", model, paths)
    ]
    rows.append(classification_row(photos, count))
    publish(Table("Accuracy", rows, NOTES), results, quick)


NOTES = [
    "The app decodes reduced. bfloat16 and layers in 8 bits are what torch may be chosen to compute in; the table of "
    "the engines has the 8 bits of ONNX Runtime.",
    "The bundled CLIP is too narrow to gain from 8 bits, so the app does not use them for it: here they show what "
    "weights that have learned something lose.",
    f"Overlap: how many of the {NEIGHBOURS} nearest of the same pictures stay the same. Among random weights all "
    "pictures look alike, which makes it hard there; the bundled CLIP has learned to tell them apart.",
]


def rows_of(title: str, model: str, paths: Sequence[Path]) -> list[Row]:
    exact, half = (load_encoder(model, "cpu", dtype) for dtype in ("float32", "bfloat16"))
    bulk = in_8_bits(half)
    full = vectors(exact, paths, decoded_in_full)
    shortcuts = {
        "8 bits and reduced decoding": (bulk, decoded),
        "bfloat16 and reduced decoding": (half, decoded),
    }
    if model != SMALL:
        shortcuts |= {
            "8 bits": (bulk, decoded_in_full),
            "bfloat16": (half, decoded_in_full),
            "reduced decoding": (exact, decoded),
        }
    others = {how: vectors(encoder, paths, decode) for how, (encoder, decode) in shortcuts.items()}
    return [row for how, found in others.items() for row in compared(title, how, found, full)]


def classification_row(photos: Path, count: int) -> Row:
    """Returns a row with the share of photos that are nearest to the name of their class."""
    paths = photo_paths(validation(photos), count * 5)
    exact = load_encoder(SMALL, "cpu", "float32")
    classes = sorted({path.parent.name for path in paths})
    names = exact.encode_texts([f"a photo of a {name.replace('_', ' ').lower()}" for name in classes])
    truth = np.array([classes.index(path.parent.name) for path in paths])

    def top_1(encoder: ClipEncoder) -> float:
        nearest_names = np.argmax(vectors(encoder, paths, decoded) @ names.T, axis=1)
        return float(np.mean(nearest_names == truth))

    here, there = top_1(in_8_bits(load_encoder(SMALL, "cpu", "bfloat16"))), top_1(exact)
    measured = f"the bundled small CLIP, {len(paths)} photos of the validation set: right class, 8 bits"
    return Row(measured, f"{here:.3f}", "float32", f"{there:.3f}", here / there)


def in_8_bits(encoder: ClipEncoder) -> ClipEncoder:
    """Returns a copy of the encoder whose image tower always computes in 8 bits."""
    quick = copy.copy(encoder)
    quick.model = copy.deepcopy(encoder.model)
    replace_layers(quick.model.vision_model)
    quick.compute_images(ImageWay(by_torch(quick.model, 1), by_torch(quick.model, 1), os.cpu_count() or 1))
    return quick


def compared(title: str, how: str, others: Vectors, full: Vectors) -> list[Row]:
    cosines = np.sum(others * full, axis=1)
    kept = overlap(others, full)
    beside = "float32 and full decoding"
    mean, worst = float(cosines.mean()), float(cosines.min())
    return [
        Row(f"{title}: {how}", f"worst {worst:.4f}", f"{beside}, mean cosine", f"{mean:.5f}", mean, at_least=0.998),
        Row(f"{title}: {how}", "", f"{beside}, top {NEIGHBOURS}", f"{kept:.3f}", kept, at_least=0.95),
    ]


def overlap(others: Vectors, full: Vectors) -> float:
    here, there = nearest(others), nearest(full)
    return float(np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(here, there, strict=True)]))


def nearest(vectors: Vectors) -> np.ndarray:
    """Returns, for each vector, the positions of the others that are nearest to it."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    return np.argsort(-similar, axis=1)[:, :NEIGHBOURS]


def vectors(encoder: ClipEncoder, paths: Sequence[Path], decode: Decode) -> Vectors:
    parts = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), CHUNK):
            images = pool.map(decode, map(Path.read_bytes, paths[start : start + CHUNK]))
            parts.append(encoder.encode_images(list(images)))
    return np.concatenate(parts)


def decoded(data: bytes) -> Image.Image:
    return decode(data).image


def decoded_in_full(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    typer.run(main)
