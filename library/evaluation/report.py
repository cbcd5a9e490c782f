"""Reports the figures of an evaluation as JSON can hold them."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from library.errors import LikenessError
from library.evaluation.config import EvaluationConfig
from library.evaluation.labels import Gathered, Labelled
from library.evaluation.metrics import LEVEL, RESAMPLES, SEED, Json, figures
from library.evaluation.model_figures import ModelFigures, Ranked
from library.evaluation.tasks import NAMES, PICTURES, TEMPLATED, Task
from library.images import decode, icon
from library.ports import Encoder
from library.times import iso_now

WORST = 10


def report(models: Sequence[ModelFigures], gathered: Gathered, config: EvaluationConfig, source: str) -> Json:
    """Returns the figures of every model, what differs between them, and the worst queries with small pictures."""
    pictures = gathered.pictures
    labels = _labels([model.encoder for model in models])
    shown: set[int] = set()
    pairs = zip(models, labels, strict=True)
    reports = [_model_report(model, label, pictures, config, shown) for model, label in pairs]
    return {
        "at": iso_now("seconds"),
        "source": source,
        "pictures": len(pictures),
        "classes": len({picture.label for picture in pictures} - {""}),
        "captions": len({picture.caption for picture in pictures} - {""}),
        "left_out": dict(gathered.left_out),
        "metrics": models[0].columns,
        "interval": {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "resampled": "queries"},
        "models": reports,
        "differences": _differences(models, labels),
        "icons": _icons(pictures, shown),
    }


def _labels(encoders: Sequence[Encoder]) -> list[str]:
    """Returns the names; two sets of weights under one name are told apart."""
    names = Counter(encoder.info.name for encoder in encoders)
    return [
        f"{info.name} {info.fingerprint[:6]}" if names[info.name] > 1 else info.name
        for info in (encoder.info for encoder in encoders)
    ]


def _model_report(
    model: ModelFigures, label: str, pictures: Sequence[Labelled], config: EvaluationConfig, shown: set[int]
) -> Json:
    info = model.encoder.info
    return {
        "model": label,
        "name": info.name,
        "fingerprint": info.fingerprint,
        "dim": info.dim,
        "device": info.device,
        "dtype": info.dtype,
        "index": model.index,
        "tasks": [
            {
                "queries": task.kind,
                "count": len(task.wanted),
                "exact": figures(model.columns, found.values),
                "through_index": through,
                "worst": _worst(task, found, pictures, shown),
            }
            for task, found, through in zip(model.tasks, model.ranked, model.through_index, strict=True)
        ],
        "templates": _templates(model, config),
        "classes": _classes(model, pictures),
    }


def _templates(model: ModelFigures, config: EvaluationConfig) -> Json | None:
    """Returns what templates gain over the bare class names: their average, and each alone."""
    bare, average = model.of(NAMES), model.of(TEMPLATED)
    if bare is None or average is None:
        return None
    return {
        "templates": list(config.templates),
        "gain": figures(model.columns, average.values - bare.values),
        "alone": [
            {
                "template": template,
                "exact": figures(model.columns, values),
                "gain": figures(model.columns, values - bare.values),
            }
            for template, values in zip(config.templates, model.templates, strict=True)
        ],
    }


def _classes(model: ModelFigures, pictures: Sequence[Labelled]) -> list[Json]:
    """Returns a row for each class: by its name, by its templates, and the means over its pictures as queries."""
    classes = sorted({picture.label for picture in pictures} - {""})
    sizes = Counter(picture.label for picture in pictures)
    by_text = {kind: found for kind in (NAMES, TEMPLATED) if (found := model.of(kind))}
    by_picture = next((pair for pair in zip(model.tasks, model.ranked, strict=True) if pair[0].kind == PICTURES), None)
    rows = []
    for number, name in enumerate(classes):
        row: Json = {"class": name, "count": sizes[name]}
        row |= {kind: _row(model.columns, found.values[number]) for kind, found in by_text.items()}
        if by_picture and (its := by_picture[0].wanted == number).any():
            row[PICTURES] = _row(model.columns, by_picture[1].values[its].mean(axis=0))
        rows.append(row)
    return rows


def _row(columns: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(columns, values, strict=True)}


def _worst(task: Task, found: Ranked, pictures: Sequence[Labelled], shown: set[int]) -> list[Json]:
    """Returns the queries of the lowest average precision, with what came first instead."""
    rows = []
    reciprocal_rank, precision = found.values[:, -3], found.values[:, -2]
    for query in np.lexsort((reciprocal_rank, precision))[:WORST]:
        best = [int(each) for each in found.best[query]]
        itself = None if task.selves is None else int(task.selves[query])
        shown.update(best if itself is None else [itself, *best])
        rows.append(
            {
                "text": task.texts[query] if itself is None else None,
                "picture": None if itself is None else _shown(pictures[itself]),
                "map": round(float(precision[query]), 6),
                "first": round(1 / reciprocal_rank[query]) if reciprocal_rank[query] else None,
                "results": [
                    {**_shown(pictures[each]), "score": round(float(score), 4), "right": bool(right)}
                    for each, score, right in zip(best, found.scores[query], found.first[query], strict=False)
                ],
            }
        )
    return rows


def _shown(picture: Labelled) -> Json:
    return {"id": picture.id, "name": picture.name, "label": picture.label or picture.caption}


def _differences(models: Sequence[ModelFigures], labels: Sequence[str]) -> list[Json]:
    """Compares every further model with the first, on the same queries."""
    first = models[0]
    return [
        {
            "model": label,
            "against": labels[0],
            "queries": task.kind,
            "difference": figures(model.columns, its.values - others.values),
        }
        for model, label in zip(models[1:], labels[1:], strict=True)
        for task, its, others in zip(model.tasks, model.ranked, first.ranked, strict=True)
    ]


def _icons(pictures: Sequence[Labelled], shown: set[int]) -> dict[str, str]:
    """Returns small JPEGs of the pictures that are named, since they need not be in the library."""
    icons: dict[str, str] = {}
    for position in sorted(shown):
        with suppress(OSError, LikenessError):
            icons[pictures[position].id] = b64encode(icon(decode(pictures[position].read()))).decode()
    return icons
