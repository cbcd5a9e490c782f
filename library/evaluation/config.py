"""Says what to evaluate and by which measures."""

from collections.abc import Sequence
from dataclasses import dataclass

from library.errors import InvalidEvaluation
from library.evaluation.labels import Labelling
from library.search.query import MAX_LIMIT

TEMPLATES = ("a photo of a {}", "a photo of the {}", "a picture of a {}", "a close-up of a {}")
CUTOFFS = (1, 5, 10)


@dataclass(frozen=True)
class EvaluationConfig:
    """Holds the labels of the pictures, the k of recall@k, the templates for class names, and the nprobe."""

    labelling: Labelling
    cutoffs: Sequence[int] = CUTOFFS
    templates: Sequence[str] = TEMPLATES
    nprobe: int | None = None  # None: as the library would choose

    def __post_init__(self) -> None:
        if not self.cutoffs or not all(1 <= k <= MAX_LIMIT for k in self.cutoffs):
            raise InvalidEvaluation("cutoffs_impossible", most=str(MAX_LIMIT))
        for template in self.templates:
            if template.count("{}") != 1:
                raise InvalidEvaluation("template_impossible", template=repr(template))
