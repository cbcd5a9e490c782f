"""Describes the types of the values in a stored evaluation, as far as the page draws them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Id = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Shape(BaseModel):
    """Checks the fields that are there; an earlier version may not have written the others."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Figure(_Shape):
    """Describes a figure and its confidence interval."""

    value: float = 0
    low: float = 0
    high: float = 0


Figures = dict[str, Figure]


class PictureShape(_Shape):
    """Describes one picture among the results of a query."""

    id: str = ""
    name: str = ""
    label: str = ""
    score: float = 0
    right: bool = False


class Worst(_Shape):
    """Describes a query that was answered badly."""

    text: str | None = None
    picture: PictureShape | None = None
    map: float = 0
    first: int | None = None
    results: list[PictureShape] = []


class ThroughIndex(_Shape):
    """Describes what the index found beside an exact search."""

    queries: int = 0
    index: Figures = {}
    difference: Figures = {}


class TaskShape(_Shape):
    """Describes the figures of one kind of query."""

    queries: str = ""
    count: int = 0
    exact: Figures = {}
    through_index: ThroughIndex = ThroughIndex()
    worst: list[Worst] = []


class Template(_Shape):
    """Describes what one template of class names gained."""

    template: str = ""
    gain: Figures = {}


class Templates(_Shape):
    """Describes what all templates gained, together and alone."""

    gain: Figures = {}
    alone: list[Template] = []


class Index(_Shape):
    """Describes the index that was searched."""

    nprobe: int = 0
    nlist: int = 0
    depth: int = 0


class Model(_Shape):
    """Describes the figures of one model."""

    model: str = ""
    index: Index = Index()
    tasks: list[TaskShape] = []
    templates: Templates | None = None
    classes: list[dict[str, str | int | dict[str, float]]] = []


class Difference(_Shape):
    """Describes by how much two models differ."""

    model: str = ""
    against: str = ""
    queries: str = ""
    difference: Figures = {}


class IntervalShape(_Shape):
    """Describes how the confidence intervals were made."""

    resamples: int = 0


class Evaluation(_Shape):
    """Describes a whole evaluation, as its file holds it."""

    at: str = ""
    source: str = ""
    pictures: int = 0
    classes: int = 0
    left_out: dict[str, int] = {}
    metrics: list[str] = []
    interval: IntervalShape = IntervalShape()
    models: list[Model]
    differences: list[Difference] = []
    icons: dict[Id, str] = {}


def first_problem(error: ValidationError) -> str:
    """Returns on one line where an evaluation is not as it should be."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])
