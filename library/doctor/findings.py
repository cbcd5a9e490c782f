"""Describes what a check of the library has found: of which kind it is, where, and whether it can be repaired."""

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "record_damaged",
    "unreadable",
    "original_missing",
    "original_other",
    "thumbnail_missing",
    "thumbnail_damaged",
    "orphan",
    "trash_damaged",
    "partial",
    "foreign",
    "row_missing",
    "row_surplus",
    "row_elsewhere",
    "row_other",
    "index_wrong",
    "rebuild_unfinished",
    "fields_untyped",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
STORE = "images"
TRASH = "trash"
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Holds all that is wrong in one way at one place: the image store, or a collection by its name.

    `subjects` are content IDs, names of files or keys of rows; an index has none.
    """

    kind: Kind
    place: str
    subjects: tuple[str, ...] = ()
    repairable: bool = True

    @property
    def mendable(self) -> bool:
        """Returns `repairable`, by the name that programs knew before."""
        return self.repairable

    @property
    def count(self) -> int:
        return max(1, len(self.subjects))

    def as_json(self) -> dict[str, object]:
        """Returns the finding as plain values, with its first subjects only."""
        return {
            "kind": self.kind,
            "place": self.place,
            "count": self.count,
            "repairable": self.repairable,
            "mendable": self.repairable,  # the name that programs knew before
            "subjects": list(self.subjects[:SHOWN]),
        }


def parted(kind: Kind, place: str, subjects: Collection[str], beyond_repair: Container[str]) -> list[Finding]:
    """Returns a finding of what can be repaired and one of the rest, each where there is any."""
    parts = [tuple(each for each in subjects if (each in beyond_repair) == is_rest) for is_rest in (False, True)]
    return [Finding(kind, place, part, not is_rest) for is_rest, part in enumerate(parts) if part]


@dataclass(frozen=True)
class Report:
    """Holds the numbers of checked pictures and collections, and the findings."""

    pictures: int
    collections: int
    findings: Sequence[Finding]
    young: int = 0  # files that were not looked at, since another process may be writing them

    @property
    def repairable(self) -> int:
        """Returns how many things can be repaired."""
        return sum(finding.count for finding in self.findings if finding.repairable)

    @property
    def mendable(self) -> int:
        """Returns `repairable`, by the name that programs knew before."""
        return self.repairable

    def as_json(self) -> dict[str, object]:
        """Returns the report as plain values."""
        findings = [finding.as_json() for finding in self.findings]
        return {
            "pictures": self.pictures,
            "collections": self.collections,
            "findings": findings,
            "young": self.young,
        }
