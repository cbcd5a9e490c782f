"""Who may change the library: EDITS, asked at the moment of the change and not where a button is drawn."""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from library.errors import NotAllowed
from library.ingest import Item

Edits = Literal["all", "add", "none"]


def require(edits: Edits, needed: Literal["all", "add"]) -> None:
    """Raises NotAllowed. `add` covers uploads and samples; all else that changes something needs `all`."""
    if edits != "all" and edits != needed:
        allowed = "Pictures can be added here but not removed" if edits == "add" else "This library is read-only"
        raise NotAllowed(f"{allowed}: the app was started with EDITS={edits}.")


class ServerSources(Protocol):
    """Places on the server's disk and network that visitors may take pictures in from: SOURCES_ALLOWED."""

    @property
    def prefixes(self) -> Sequence[str]: ...
    def items(self, source: str) -> Iterable[Item]:
        """Raises NotAllowed for a place below none of the prefixes, UnknownSource for one that is not there."""
        ...
