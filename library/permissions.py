"""Who may change the library: EDITS, asked at the moment of the change and not where a button is drawn."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from library.errors import NotAllowed
from library.ingest.items import Item

Edits = Literal["all", "add", "none"]


def require(edits: Edits, needed: Literal["all", "add"]) -> None:
    """Raises NotAllowed. `add` covers uploads and samples; all else that changes something needs `all`."""
    if edits != "all" and edits != needed:
        if edits == "add":
            raise NotAllowed("only_adding", edits=edits)
        raise NotAllowed("read_only", edits=edits)


class Sources(Protocol):
    """What visitors may take pictures in from, besides uploaded pictures."""

    @property
    def prefixes(self) -> Sequence[str]:
        """Places on the server's disk and network: SOURCES_ALLOWED."""
        ...

    @property
    def archive_suffixes(self) -> Sequence[str]: ...
    @property
    def table_suffixes(self) -> Sequence[str]: ...
    def in_archive(self, path: Path, name: str) -> Iterator[Item] | None:
        """What the archive of that name holds, listed as it is asked for; None for a file that is no archive."""
        ...

    def items(self, source: str, image_column: str = "") -> Iterable[Item]:
        """Of a table, the column names the pictures' places.

        Raises NotAllowed for a place below none of the prefixes, UnknownSource for one that is not there.
        """
        ...
