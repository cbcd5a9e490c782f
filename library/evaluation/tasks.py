"""Makes the queries of an evaluation, by their kind, and says which pictures are right answers to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.evaluation.config import EvaluationConfig
from library.evaluation.labels import Labelled
from library.evaluation.metrics import Positions
from library.ports import Encoder, Vectors

NAMES, TEMPLATED, CAPTIONS, PICTURES = "class names", "templates", "captions", "pictures"


@dataclass(frozen=True)
class Task:
    """Holds queries of one kind. A picture is relevant where its group is the one that the query wants."""

    kind: str
    texts: Sequence[str]  # none where the queries are pictures
    wanted: NDArray[np.intp]
    groups: NDArray[np.intp]  # of each picture; -1 where it has none
    selves: Positions | None = None  # the picture that each query is

    @property
    def relevant(self) -> NDArray[np.intp]:
        """Counts the pictures that are right answers to each query."""
        found: NDArray[np.intp] = (self.groups == self.wanted[:, np.newaxis]).sum(axis=1)
        return found if self.selves is None else found - 1


def tasks_for(pictures: Sequence[Labelled], config: EvaluationConfig) -> list[Task]:
    """Returns the tasks that the labels and captions allow; each picture is a query for the others of its class."""
    tasks = []
    labels = [picture.label for picture in pictures]
    if any(labels):
        classes, groups = _grouped(labels)
        sizes = np.bincount(groups[groups >= 0], minlength=len(classes))
        wanted = np.arange(len(classes))
        tasks.append(Task(NAMES, [spoken(each) for each in classes], wanted, groups))
        if config.templates:
            tasks.append(Task(TEMPLATED, [spoken(each) for each in classes], wanted, groups))
        selves = np.flatnonzero((groups >= 0) & (sizes[groups] > 1))
        if len(selves):
            tasks.append(Task(PICTURES, [], groups[selves], groups, selves))
    captions, groups = _grouped([picture.caption for picture in pictures])
    if captions:
        tasks.append(Task(CAPTIONS, captions, np.arange(len(captions)), groups))
    return tasks


def _grouped(names: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Returns the names that there are, and the number of each picture's."""
    present = sorted(set(filter(None, names)))
    numbers = {name: number for number, name in enumerate(present)}
    return present, np.array([numbers.get(name, -1) for name in names], dtype=np.intp)


def spoken(label: str) -> str:
    """Returns the name of a folder as one would say it: car_side is a car side."""
    return " ".join(label.replace("_", " ").replace("-", " ").split()) or label


def averaged(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> Vectors:
    """Returns for each name the mean of its templates (https://arxiv.org/abs/2103.00020, 3.1.4), normalised."""
    mean = np.mean([encoder.encode_texts([each.replace("{}", name) for name in names]) for each in templates], axis=0)
    unit: Vectors = (mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit
