"""Counts how many near-duplicates are found among photos, by kind, and how many pairs are found that are none.

python -m benchmarks.duplicates --photos FOLDER [--model small] [--sheet FILE]

In the folder or beside it is caltech101's `validation`. Everything goes through a library on Milvus Lite. `--sheet`
makes a picture of the pairs of different photos that were found, since some of them are true.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.fixtures import empty_library, photo_paths, validation
from benchmarks.results import Photos, Quick
from db.milvus.loaded import LoadedMilvusCollection
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.duplicates.groups import THRESHOLD, Pair
from library.image_library import ImageLibrary
from library.images import ContentId
from library.ingest.items import Item

VARIED, OTHERS = 200, 1000  # photos with copies and without
LONG_SIDE = 200
ORIGINAL = "original"
KINDS = ("PNG", "WebP", "half the size", "5 % cropped", "JPEG quality 30", "turned by EXIF")
ORIENTATION, TURNED = 274, 6
SHOWN = 60


def main(
    photos: Photos,
    model: Annotated[str, typer.Option(help="As CLIP_MODEL.")] = SMALL,
    threshold: Annotated[float, typer.Option(help="As that of the command duplicates.")] = THRESHOLD,
    sheet: Annotated[Path | None, typer.Option(help="A .png of the false pairs.")] = None,
    quick: Quick = False,
) -> None:
    varied, others = (10, 40) if quick else (VARIED, OTHERS)
    paths = photo_paths(validation(photos), varied + others, LONG_SIDE)
    with empty_library(load_encoder(model)) as library:
        kinds: dict[ContentId, tuple[int, str]] = {}
        for receipt in library.add(list(items(paths, varied))):
            number, _, kind = receipt.path.partition(" ")
            if receipt.content_id:
                kinds.setdefault(receipt.content_id, (int(number), kind))
        started, calls = time.perf_counter(), CountedCalls()
        with calls:
            groups = library.duplicates.find(threshold) or []
        seconds = time.perf_counter() - started
        pairs = {pair for group in groups for pair in group.pairs}
        report(kinds, pairs, [group.ids for group in groups])
        print(
            f"\n{len(kinds):,} pictures: {calls.count} calls to Milvus, {seconds:.1f} s; cosine from {threshold:g} on"
        )
        if sheet:
            draw(library, sorted(false_ones(kinds, pairs), key=lambda pair: -pair.score), sheet)


def items(paths: Sequence[Path], varied: int) -> Iterator[Item]:
    for number, path in enumerate(paths):
        data = path.read_bytes()
        copies = {ORIGINAL: data, **(variants(data) if number < varied else {})}
        for kind, copy in copies.items():
            yield Item(f"{number} {kind}", f"{number} {kind}", lambda copy=copy: copy)  # type: ignore[misc]


def variants(data: bytes) -> dict[str, bytes]:
    image = Image.open(BytesIO(data)).convert("RGB")
    width, height = image.size
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    left, top = (random.Random(data).uniform(0, 0.05 * side) for side in image.size)
    edges = (int(left), int(top), int(left + 0.95 * width), int(top + 0.95 * height))
    copies = (
        saved(image, "PNG"),
        saved(image, "WEBP", quality=80),
        saved(image.resize((width // 2, height // 2)), "JPEG", quality=90),
        saved(image.crop(edges), "JPEG", quality=90),
        saved(image, "JPEG", quality=30),
        saved(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif),
    )
    return dict(zip(KINDS, copies, strict=True))


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


class CountedCalls:
    """Wraps a collection and counts its calls."""

    def __enter__(self) -> None:
        self.count = 0
        self._asked = {name: getattr(LoadedMilvusCollection, name) for name in ("nearest", "vectors")}
        for name, ask in self._asked.items():
            setattr(LoadedMilvusCollection, name, self._counted(ask))

    def __exit__(self, *_: object) -> None:
        for name, ask in self._asked.items():
            setattr(LoadedMilvusCollection, name, ask)

    def _counted(self, ask: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            self.count += 1
            return ask(*arguments)

        return counted


def report(
    kinds: dict[ContentId, tuple[int, str]], pairs: Iterable[Pair], groups: Sequence[Sequence[ContentId]]
) -> None:
    """Prints recall (the share of copies grouped with their photo) and precision (the share of right pairs)."""
    group_of = {id: number for number, ids in enumerate(groups) for id in ids}
    originals = {number: id for id, (number, kind) in kinds.items() if kind == ORIGINAL}
    copies, found, right, wrong = (Counter[str]() for _ in range(4))
    for id, (number, kind) in kinds.items():
        if kind != ORIGINAL:
            copies.update([kind, "all"])
            if id in group_of and group_of[id] == group_of.get(originals[number]):
                found.update([kind, "all"])
    for pair in pairs:
        (one, first), (other, second) = kinds[pair.one], kinds[pair.other]
        (right if one == other else wrong).update({first, second, "all"})
    print("| copies | found | recall | pairs of one photo | of two photos | precision |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind in (*KINDS, "all"):
        recall, precision = found[kind] / copies[kind], right[kind] / max(1, right[kind] + wrong[kind])
        cells = [
            f"{found[kind]} of {copies[kind]}",
            f"{recall:.3f}",
            f"{right[kind]:,}",
            wrong[kind],
            f"{precision:.3f}",
        ]
        print(f"| {kind} | {' | '.join(map(str, cells))} |")
    within = [kinds[one][0] == kinds[other][0] for ids in groups for one, other in combinations(ids, 2)]
    print(f"\nWithin groups: {len(within):,} pairs, {sum(within) / max(1, len(within)):.3f} of them of one photo.")


def false_ones(kinds: dict[ContentId, tuple[int, str]], pairs: Iterable[Pair]) -> list[Pair]:
    """Returns the nearest wrongly paired pictures of each two photos, originals first."""
    nearest: dict[frozenset[int], Pair] = {}
    for pair in sorted(
        pairs, key=lambda pair: (kinds[pair.one][1] + kinds[pair.other][1] != 2 * ORIGINAL, -pair.score)
    ):
        both = frozenset((kinds[pair.one][0], kinds[pair.other][0]))
        if len(both) == 2:
            nearest.setdefault(both, pair)
    return list(nearest.values())


def draw(library: ImageLibrary, pairs: Sequence[Pair], path: Path) -> None:
    side, columns = 160, 6
    rows = -(-min(len(pairs), SHOWN) // columns) or 1
    sheet = Image.new("RGB", (columns * (2 * side + 12), rows * (side + 8)), "white")
    for at, pair in enumerate(pairs[:SHOWN]):
        for position, id in enumerate((pair.one, pair.other)):
            small = Image.open(BytesIO(library.thumbnail(id)))
            small.thumbnail((side, side))
            sheet.paste(small, (at % columns * (2 * side + 12) + position * side, at // columns * (side + 8)))
    sheet.save(path)
    print(f"{len(pairs)} pairs of different photos were found: {path}")


if __name__ == "__main__":
    typer.run(main)
