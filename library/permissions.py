"""Checks who may change the library: EDITS is asked at the moment of the change, not where a button is drawn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from library.errors import NotAllowed
from library.ingest.items import Beside, Item

Edits = Literal["all", "own", "add", "none"]  # `own` is DEMO: each visitor has pictures that only they see
Needed = Literal["all", "own", "samples", "add"]

PERMITTED: dict[Edits, tuple[Needed, ...]] = {
    "all": ("all", "own", "samples", "add"),
    "own": ("own", "add"),
    "add": ("samples", "add"),
    "none": (),
}


def require(edits: Edits, needed: Needed) -> None:
    """Checks that EDITS permits a change, or raises NotAllowed.

    `add` covers uploads, `samples` adding the samples, `own` deleting pictures that may be one's own; all else needs
    `all`.
    """
    if needed in PERMITTED[edits]:
        return
    if edits == "own":
        raise NotAllowed("only_own")
    if edits == "add":
        raise NotAllowed("only_adding", edits=edits)
    raise NotAllowed("read_only", edits=edits)


class Sources(Protocol):
    """Lists what visitors may import from besides uploaded pictures."""

    @property
    def prefixes(self) -> Sequence[str]:
        """Returns the places on the server's disk and network that SOURCES_ALLOWED names."""
        ...

    @property
    def archive_suffixes(self) -> Sequence[str]:
        """Returns the endings of archives that can be read."""
        ...

    @property
    def table_suffixes(self) -> Sequence[str]:
        """Returns the endings of tables that can be read."""
        ...

    @property
    def sidecar_suffixes(self) -> Sequence[str]:
        """Returns the endings of files that say something of a picture beside them."""
        ...

    def in_archive(self, path: Path, name: str, most_files: int) -> Iterator[Item] | None:
        """Returns what the archive of that name holds, listed as it is read; None for a file that is no archive.

        One of more files ends with an item whose reading raises RejectedImage.
        """
        ...

    def beside(self, files: Mapping[str, Path]) -> Beside:
        """Returns the sidecars among the files of one folder, which are given by their names there."""
        ...

    def items(self, source: str, image_column: str = "") -> Iterable[Item]:
        """Returns what a place holds; in a table, the column names the pictures' places.

        Raises NotAllowed for a place below none of the prefixes, UnknownSource for one that is not there.
        """
        ...
