"""Holds what became of the files of one import, or of the pictures of a backup."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from library.backup.backups import lacks_original
from library.images import ContentId
from library.ingest.receipts import RECEIPT_FIELDS, FileReceipt, tally
from library.ingest.skips import skipped_by_reason, skips_told
from python_api.html import receipt_table
from python_api.tables import data_frame


class Receipt(Sequence[FileReceipt]):
    """Holds the receipts of the files, in order; `counts` tells new, updated, duplicate, rejected and skipped apart.

    `skipped_by_reason` counts those that were skipped by the code of the reason, such as "hidden".
    """

    def __init__(self, files: Sequence[FileReceipt]) -> None:
        self.files = tuple(files)
        self.counts: dict[str, int] = dict(tally(files).items())
        self.skipped_by_reason = skipped_by_reason(files)

    @property
    def content_ids(self) -> list[ContentId]:
        """Returns the pictures that are in the library now, each once."""
        kept = (each.content_id for each in self.files if each.status in ("new", "updated", "duplicate"))
        return list(dict.fromkeys(id for id in kept if id))

    @property
    def rejected(self) -> list[FileReceipt]:
        """Returns the files that were not added, each with its reason."""
        return [each for each in self.files if each.status == "rejected"]

    def to_pandas(self) -> Any:
        """Returns a pandas DataFrame, a row for each file. Raises ModuleNotFoundError where pandas is not installed."""
        return data_frame([each.as_json() for each in self.files], RECEIPT_FIELDS)

    @overload
    def __getitem__(self, place: int) -> FileReceipt: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[FileReceipt, ...]: ...
    def __getitem__(self, place: int | slice) -> FileReceipt | tuple[FileReceipt, ...]:
        return self.files[place]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[FileReceipt]:
        return iter(self.files)

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"{type(self).__name__}({': '.join(filter(None, [counted, self._notes]))})"

    def _repr_html_(self) -> str:
        return receipt_table(self.counts, self.files, self._notes)

    @property
    def _notes(self) -> str:
        return ", ".join(map(str, skips_told(self.skipped_by_reason)))


class RestoredBackup(Receipt):
    """Holds the receipts of the pictures that a backup holds, and what it lacks.

    `missing` counts the pictures that were in the backup when it was made and are no longer, `without_original` holds
    the receipts of those that came back without their original, and `without_vector` counts by collection those that
    came without the vector that the backup once held: `reindex` encodes them. A picture that was there and lacked its
    original counts as updated.
    """

    def __init__(self, files: Sequence[FileReceipt], held: int, without_vector: Mapping[str, int]) -> None:
        """Takes how many pictures the backup held when it was made."""
        super().__init__(files)
        self.missing = max(0, held - len(files))
        self.without_original = [each for each in files if lacks_original(each)]
        self.without_vector = dict(without_vector)

    @property
    def _notes(self) -> str:
        lacking = {"missing": self.missing, "without their original": len(self.without_original)}
        lacking |= {f"without a vector in {name}": count for name, count in self.without_vector.items()}
        told = [f"{count} {what}" for what, count in lacking.items() if count]
        return ", ".join(filter(None, [super()._notes, *told]))
