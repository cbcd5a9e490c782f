"""Gathers labelled pictures for an evaluation: finds their labels and captions, and encodes them."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from library.errors import InvalidEvaluation, OriginalAway, RejectedImage, UnknownPicture
from library.evaluation.metrics import SEED
from library.images import ContentId, content_id, decode
from library.ingest.items import Item
from library.ingest.prefetch import prefetch, prefetch_map
from library.ports import Encoder, Vectors
from library.records import clean_name
from library.running.work import worker_pool
from library.search.parts import clean_text
from library.texts import encodable

BATCH = 64
DECODED_AHEAD = 32
BATCHES_AHEAD = 2
MAX_LABEL = 200  # characters

OnProgress = Callable[[str, int, int | None], None]  # what is done, how much of it, of how many


@dataclass(frozen=True)
class Labelling:
    """Says where the class and the caption of a picture are: in columns of the table, or in the name of its folder."""

    column: str = ""
    from_folders: bool = False
    captions_column: str = ""
    depth: int = 3  # parts that a path has at least if its last folder is a class

    def __post_init__(self) -> None:
        if self.column and self.from_folders:
            raise InvalidEvaluation("labels_twice")
        if not (self.column or self.from_folders or self.captions_column):
            raise InvalidEvaluation("labels_nowhere")

    def label(self, item: Item) -> str:
        """Returns the class of a picture, empty where it has none."""
        if not self.from_folders:
            return _said(item.metadata.get(self.column)) if self.column else ""
        parts = PurePosixPath(item.source).parts
        return _said(parts[-2]) if len(parts) >= self.depth else ""

    def caption(self, item: Item) -> str:
        """Returns the caption of a picture, empty where it has none."""
        return _said(item.metadata.get(self.captions_column)) if self.captions_column else ""

    def check(self, items: Sequence[Item]) -> None:
        """Checks the columns before anything is encoded. Raises InvalidEvaluation for one that no picture has."""
        present = {name for item in items for name in item.metadata}
        for column in filter(None, (self.column, self.captions_column)):
            if items and column not in present:
                if not present:
                    raise InvalidEvaluation("no_columns", column=column)
                raise InvalidEvaluation("no_such_column", column=column, columns=", ".join(sorted(present)[:20]))


@dataclass(frozen=True)
class Labelled:
    """Holds one picture of an evaluation; without a label or a caption where that is empty."""

    id: ContentId
    name: str
    label: str
    caption: str
    read: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True)
class Gathered:
    """Holds the pictures in an order that says nothing of their classes, and their vectors for each encoder."""

    pictures: Sequence[Labelled]
    vectors: Sequence[Vectors]
    left_out: Counter[str]  # by reason


def gather(
    items: Iterable[Item],
    labelling: Labelling,
    encoders: Sequence[Encoder],
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
) -> Gathered:
    """Reads and decodes every picture once, whatever the number of encoders. Of two copies the first counts."""
    side = max(encoder.info.working_side for encoder in encoders)
    total = sum(not item.skip for item in items) if isinstance(items, Sequence) else None
    left_out: Counter[str] = Counter()
    pictures: list[Labelled] = []
    vectors: list[list[Vectors]] = [[np.empty((0, encoder.info.dim), np.float32)] for encoder in encoders]
    with (
        worker_pool(os.cpu_count(), "decode") as pool,
        closing(prefetch(_batches(items, labelling, side, pool, left_out), BATCHES_AHEAD)) as batches,
    ):
        for batch in batches:
            for encoder, rows in zip(encoders, vectors, strict=True):
                rows.append(encoder.encode_images([image for _, image in batch]))
            pictures += [picture for picture, _ in batch]
            on_progress("Encoding", len(pictures) + left_out.total(), total)
            if should_stop():
                break
    order = np.random.default_rng(SEED).permutation(len(pictures))
    return Gathered([pictures[each] for each in order], [np.concatenate(rows)[order] for rows in vectors], left_out)


Decoded = tuple[Labelled, Image.Image]


def _batches(
    items: Iterable[Item], labelling: Labelling, working_side: int, pool: ThreadPoolExecutor, left_out: Counter[str]
) -> Generator[list[Decoded], None, None]:
    decoded = _decoded(items, labelling, working_side, pool, left_out)
    while batch := list(islice(decoded, BATCH)):
        yield batch


def _decoded(
    items: Iterable[Item], labelling: Labelling, working_side: int, pool: ThreadPoolExecutor, left_out: Counter[str]
) -> Iterator[Decoded]:
    def decode_one(item: Item) -> Decoded | str:
        return _labelled(item, labelling, working_side)

    known: set[ContentId] = set()
    for found in prefetch_map(decode_one, (item for item in items if not item.skip), pool, DECODED_AHEAD):
        if isinstance(found, str):
            left_out[found] += 1
        elif found[0].id in known:
            left_out["copies of another picture"] += 1
        else:
            known.add(found[0].id)
            yield found


def _labelled(item: Item, labelling: Labelling, working_side: int) -> Decoded | str:
    """Returns the picture, or why it is left out."""
    label, caption = labelling.label(item), labelling.caption(item)
    if not (label or caption):
        return "without a label"
    try:
        data = item.read()
        image = decode(data, working_side).image
    except (OSError, RejectedImage, OriginalAway, UnknownPicture):
        return "unreadable"
    return Labelled(content_id(data), clean_name(item.name), label, caption, item.read), image


def _said(value: Any) -> str:
    """Returns a label as text: a class may be a number."""
    return "" if value is None else clean_text(encodable(str(value)))[:MAX_LABEL]
