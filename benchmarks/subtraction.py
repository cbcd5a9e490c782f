"""Measures what negative weights remove, when each class is searched for without the one it is most often taken for.

python -m benchmarks.subtraction --photos FOLDER    (a folder of photos for each class)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer

from benchmarks.results import Photos, line
from encoders.clip import ClipEncoder
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.decoding.formats import IMAGE_SUFFIXES
from library.images import decode
from library.ports import Vector, Vectors
from library.search.parts import combine

TOP = 20
WEIGHTS = (0.25, 0.5, 0.75, 1.0)
ANYTHING = ["a photo", "a picture", "an image of something", "a photo of a thing"]

Subtraction = Callable[[Vector, Vector, float], Vector]


@dataclass(frozen=True)
class Labelled:
    vectors: Vectors
    labels: Sequence[str]

    def best(self, vector: Vector, count: int) -> list[str]:
        return [self.labels[place] for place in np.argsort(-(self.vectors @ vector))[:count]]


def main(photos: Photos, model: str = SMALL) -> None:
    encoder = load_encoder(model)
    labelled = encoded(encoder, photos)
    sizes = Counter(labelled.labels)
    names = sorted(sizes)
    sentences = [f"a photo of a {name.replace('_', ' ')}" for name in names]
    texts = dict(zip(names, encoder.encode_texts(sentences), strict=True))
    pairs = [(name, other) for name in names if (other := taken_for(labelled, texts, name))]
    print(f"{len(labelled.labels)} photos, {len(pairs)} pairs of classes, the best {TOP} of each query at most\n")
    print(line(["query", "weight", "wanted", "unwanted"]))
    print(line(["---", "---:", "---:", "---:"]))
    report(labelled, texts, pairs, "A", 0, lambda wanted, unwanted, weight: wanted)
    for name, subtract in ways(encoder).items():
        for weight in WEIGHTS:
            report(labelled, texts, pairs, name, weight, subtract)


def ways(encoder: ClipEncoder) -> dict[str, Subtraction]:
    """Returns the ways to subtract a text: plainly; without what all texts share; only what the query does not want."""
    common = encoder.encode_texts(ANYTHING).mean(axis=0)
    return {
        "A - w B": lambda wanted, unwanted, weight: combine([wanted, unwanted], [1, -weight]),
        "A - w (B - any text)": lambda wanted, unwanted, weight: unit(wanted - weight * (unwanted - common)),
        "A - w (B without A)": lambda wanted, unwanted, weight: unit(
            wanted - weight * (unwanted - (unwanted @ wanted) * wanted)
        ),
    }


def encoded(encoder: ClipEncoder, photos: Path) -> Labelled:
    paths = sorted(path for path in photos.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    vectors = [
        encoder.encode_images([decode(path.read_bytes()).image for path in paths[start : start + 64]])
        for start in range(0, len(paths), 64)
    ]
    return Labelled(np.concatenate(vectors), [path.parent.name.lower() for path in paths])


def taken_for(labelled: Labelled, texts: dict[str, Vector], name: str) -> str | None:
    """Returns the other class that is most often among the best results for this one."""
    others = [label for label in labelled.best(texts[name], 2 * TOP) if label != name]
    return Counter(others).most_common(1)[0][0] if others else None


def report(
    labelled: Labelled,
    texts: dict[str, Vector],
    pairs: Sequence[tuple[str, str]],
    name: str,
    weight: float,
    subtract: Subtraction,
) -> None:
    sizes = Counter(labelled.labels)
    shares = []
    for wanted, unwanted in pairs:
        found = labelled.best(subtract(texts[wanted], texts[unwanted], weight), min(TOP, sizes[wanted]))
        shares.append((found.count(wanted) / len(found), found.count(unwanted) / len(found)))
    good, bad = np.mean(shares, axis=0)
    print(line([name, f"{weight:g}", f"{good:.3f}", f"{bad:.3f}"]))


def unit(vector: Vector) -> Vector:
    length: Vector = vector / np.linalg.norm(vector)
    return length


if __name__ == "__main__":
    typer.run(main)
