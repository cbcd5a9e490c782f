"""Says in a few words what computes the towers, and what was measured before it was chosen."""

from collections.abc import Mapping
from typing import Any

from encoders.engines.towers import Way


def described(chosen: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Returns a line for each use of a tower; `own` is what was measured on the library's own pictures."""
    lines = {use: _line(found, use.startswith("many")) for use, found in chosen.items()}
    return {**lines, "own pictures": _own_line(own)} if own else lines


def _line(found: Mapping[str, Any], many: bool) -> str:
    speed = f"{found['per_second']:g} a second" if many else f"{found['ms']:g} ms"
    return f"{Way(**found['way'])}, {speed} when measured, cosine {found['cosine']:.4f} to float32"


def _own_line(own: Mapping[str, Any]) -> str:
    def alike(name: str) -> str:
        found = own[name]
        figures = f"mean {found['mean']:.4f}, least {found['least']:.4f}, top 10 {found['overlap']:.2f}"
        return f"{name} {'allowed' if found['accepted'] else 'refused'} ({figures})"

    return f"{own['pictures']} measured: {alike('int8')}; {alike('static')}, {own['times_as_fast']:g} times as fast"
