"""Chooses the queries that accuracy is measured with: texts, and pictures of the library."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import PurePosixPath

import numpy as np

from library.errors import InvalidEvaluation
from library.evaluation.metrics import SEED
from library.evaluation.tuning import PICTURE, TEXT, Kind, TuningConfig
from library.ports import Encoder, ImageStore, LoadedCollection, Vector, Vectors
from library.records import Record
from library.search.parts import clean_text

LOOKED_THROUGH = 1_000  # records whose words may serve as texts
LONGEST_TEXT = 80
THINGS = ("a dog", "a red car", "two people", "a house", "a bridge", "flowers", "a boat", "a bird", "a child", "food")
PLACES = ("in the snow", "by the sea", "at night", "in a city", "in a forest", "on a table", "at sunset", "in the rain")
EVERYDAY = tuple(f"{thing} {place}" for thing, place in product(THINGS, PLACES))


def queries_of(
    store: ImageStore, index: LoadedCollection, encoder: Encoder, config: TuningConfig, recent: Sequence[str]
) -> tuple[dict[Kind, Vectors], dict[str, int]]:
    """Returns the vectors of the texts and of stored pictures, and where the texts come from.

    `recent` are the texts of recent searches. Raises InvalidEvaluation for an empty library.
    """
    records = _sampled(store, max(config.queries, LOOKED_THROUGH))
    stored = _vectors(index, records, config.queries)
    if not stored:
        raise InvalidEvaluation("nothing_to_measure")
    texts, texts_from = texts_of(records, config, recent)
    return {TEXT: encoder.encode_texts(texts), PICTURE: np.stack(stored)}, texts_from


def _sampled(store: ImageStore, count: int) -> list[Record]:
    ids = store.ids()
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(ids))[:count]
    return store.find_all([ids[position] for position in chosen])


def _vectors(index: LoadedCollection, records: Sequence[Record], count: int) -> list[Vector]:
    found: list[Vector] = []
    for start in range(0, len(records), count):
        paths = [record.img_path for record in records[start : start + count]]
        vectors = index.vectors(paths)
        found += [vectors[id] for id in sorted(vectors)]
        if len(found) >= count:
            break
    return found[:count]


def texts_of(
    records: Sequence[Record], config: TuningConfig, recent: Sequence[str]
) -> tuple[list[str], dict[str, int]]:
    """Returns the texts given, or else recent searches, the words kept with the pictures, and everyday ones."""
    if given := _distinct(config.texts):
        return given[: config.queries], {"given": min(len(given), config.queries)}
    texts: list[str] = []
    texts_from: dict[str, int] = {}
    for source, offered in (("asked", recent), ("pictures", _words(records)), ("everyday", EVERYDAY)):
        more = [text for text in _distinct(offered) if text not in texts][: config.queries - len(texts)]
        texts += more
        if more:
            texts_from[source] = len(more)
    return texts, texts_from


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(clean_text, texts))))


def _words(records: Sequence[Record]) -> Iterator[str]:
    """Yields texts kept with the pictures, the folders they came from, and names that say something: not IMG_2041."""
    for record in records:
        folder = PurePosixPath(record.source).parent.name
        yield from [folder.replace("_", " ")] if _is_text(folder) else []
        yield from (str(value).replace("_", " ") for value in record.metadata.values() if _is_text(value))
        name = re.sub(r"[\W\d_]+", " ", record.name.rpartition(".")[0]).strip()
        if len(re.findall(r"[^\W\d_]{3,}", name)) >= 2:
            yield name[:LONGEST_TEXT]


def _is_text(value: object) -> bool:
    """Returns whether a word is no address, date or number."""
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_TEXT
        and "://" not in value
        and bool(re.search(r"[^\W\d_]{3,}", value))
        and not re.search(r"\d{4}-\d\d-\d\d", value)
    )
