"""Who may change the library: EDITS, asked at the moment of the change and not where a button is drawn."""

from typing import Literal

from library.errors import NotAllowed

Edits = Literal["all", "add", "none"]


def require(edits: Edits, needed: Literal["all", "add"]) -> None:
    """Raises NotAllowed. `add` covers uploads and samples; all else that changes something needs `all`."""
    if edits != "all" and edits != needed:
        allowed = "Pictures can be added here but not removed" if edits == "add" else "This library is read-only"
        raise NotAllowed(f"{allowed}: the app was started with EDITS={edits}.")
