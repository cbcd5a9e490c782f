"""Tells how much there is to do, where that may become known only once it is under way."""

from collections.abc import Callable

Total = int | Callable[[], int | None] | None


def so_far(total: Total) -> int | None:
    """Returns how much there is to do as far as it is known by now; None where it is not."""
    return total() if callable(total) else total
