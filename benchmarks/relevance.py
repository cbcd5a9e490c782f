"""Measures whether z separates queries with a match from those without better than the best score does.

python -m benchmarks.relevance --photos FOLDER [--tuning]

In the folder or beside it is caltech101's `validation`. `--tuning` asks the texts that the measure was chosen with, and
keeps no table.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.auroc import Best, compared
from benchmarks.fixtures import empty_library, items_of, validation
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, publish
from benchmarks.texts_without_match import FIGURE, TUNING
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.image_library import ImageLibrary
from library.images import ContentId
from library.ports import Hit
from library.search.query import MAX_LIMIT, Answer, Query
from library.search.relevance import CONFIDENT, STANDS_OUT
from training.small.captions import CLASSES, PROMPT, with_article

PICTURES = 400


def main(
    photos: Photos,
    tuning: Annotated[bool, typer.Option(help="The texts that the measure was chosen with.")] = False,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    folder = validation(photos)
    paths = {name: sorted((folder / name).iterdir())[: 6 if quick else None] for name in CLASSES}
    concepts, nonsense = TUNING if tuning else FIGURE
    with empty_library(load_encoder(SMALL)) as library:
        classes = add_photos(library, paths)
        library.calibrate(wait=True)
        rows, notes = [], list(NOTES)
        for form, said in (("prompted", prompted), ("bare words", str)):
            present = [best(library, said(names[0])) for names in CLASSES.values()]
            absent = [best(library, said(word)) for word in concepts]
            meaningless = [best(library, said(word)) for word in nonsense]
            rows.append(row(f"texts, {form}", present, absent + meaningless, at_least=1))
            notes.append(note(f"Texts, {form}", present, {"absent things": absent, "nonsense": meaningless}))
        present, absent = pictures(library, classes)
        rows.append(row("photos", present, absent))
        notes.append(note("Photos", present, {"photos without their class": absent}))
    table = Table("Relevance", rows, notes)
    if tuning:
        print(table)
    else:
        publish(table, results, quick)


NOTES = [
    "The ratio: with 95 % certainty the raw score puts at least that many times as many pairs (a query with a match, "
    "one without) in the wrong order; above 1, z is better. Paired percentile bootstrap over queries.",
    "The bundled small CLIP, the 1,447 validation photos in Milvus Lite. With a match: the 101 classes. Without: 100 "
    "things that no photo shows and 50 texts that mean nothing, none of which chose the measure; other 150 did.",
    "Prompted is `a photo of a …`, also for what means nothing. The model has read captions of its 101 classes and of "
    "drawings: to it, almost all these words are unknown letters, so absent things and nonsense fall together. A CLIP "
    "that knows zebras will find them harder to tell from what is there.",
    f"Photos: {PICTURES} asked for others like them, with the other photos of their class and without. What z brings "
    "there is a limit that means the same for every collection, not a better order.",
]


def add_photos(library: ImageLibrary, paths: dict[str, list[Path]]) -> dict[ContentId, str]:
    """Imports the photos and returns the class of every picture."""
    classes = {}
    for name, files in paths.items():
        for receipt in library.add(items_of(files)):
            if receipt.content_id:
                classes[receipt.content_id] = name
    return classes


def prompted(word: str) -> str:
    return PROMPT.format(a=with_article(word))


def best(library: ImageLibrary, text: str) -> Best:
    answer = library.search(Query.of(text, limit=1, exact=True))
    return judged(answer, answer.hits[0])


def judged(answer: Answer, hit: Hit) -> Best:
    return Best(answer.relevance[hit.record.content_id].z, hit.score)


def pictures(library: ImageLibrary, classes: dict[ContentId, str]) -> tuple[list[Best], list[Best]]:
    """Returns for each picture its best other one, and its best one of another class."""
    present, absent = [], []
    for id in sorted(classes)[:PICTURES]:
        answer = library.search(Query.of(similar_to=id, limit=MAX_LIMIT, exact=True))
        present.append(judged(answer, answer.hits[0]))
        absent.append(judged(answer, next(hit for hit in answer.hits if classes[hit.record.content_id] != classes[id])))
    return present, absent


def row(what: str, present: Sequence[Best], absent: Sequence[Best], at_least: float | None = None) -> Row:
    found = compared(present, absent)
    return Row(
        f"{what}: AUROC of z",
        f"{found.calibrated:.3f}",
        f"of the raw score; difference {found.calibrated - found.raw:+.3f} ({found.low:+.3f} to {found.high:+.3f})",
        f"{found.raw:.3f}",
        found.fewer_errors,
        at_least=at_least,
    )


def note(what: str, present: Sequence[Best], without: dict[str, Sequence[Best]]) -> str:
    groups = {"with a match": present, **without}
    return f"{what}, at least likely / stands out: " + "; ".join(
        f"{name} {share(group, CONFIDENT)} / {share(group, STANDS_OUT)}" for name, group in groups.items()
    )


def share(group: Sequence[Best], z: float) -> str:
    return f"{np.mean([each.z >= z for each in group]):.0%}"


if __name__ == "__main__":
    typer.run(main)
