"""Tells a visitor of the demo who sees what they add and until when, and removes it when they ask for that."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from library.images import ContentId
from library.visitors.spaces import Spaces
from ui.controls import Controls
from ui.guarded import guarded
from ui.guards.ownership import Ownership
from ui.lanes import CHANGING, WATCHING
from ui.views import Json, error_view

LOOK, KEEP = 3_600, 86_400  # seconds: what is uploaded is looked at that often, and kept that long


class VisitorsDesk:
    """Holds the spaces of the demo's visitors and the files that each has uploaded."""

    def __init__(self, spaces: Spaces, ownership: Ownership) -> None:
        self.spaces = spaces
        self.ownership = ownership
        spaces.on_end.append(ownership.forget)

    @property
    def keep_uploads(self) -> tuple[int, int]:
        """Returns how often uploaded files are looked at, and from which age on they are removed then, in seconds: so
        that none is kept for longer than what visitors add."""
        longest = min(KEEP, int(3600 * self.spaces.rules.hours))
        look = max(1, min(LOOK, longest // 4))
        return look, max(1, longest - look)

    def may_read(self, path: Path) -> bool:
        return self.ownership.has_file(path, self.spaces.visitor)

    def own_ids(self) -> Sequence[ContentId]:
        return self.spaces.visit().own_ids()


class DemoHandlers:
    """Tells a visitor about their own pictures; outside the demo it tells nothing."""

    def __init__(self, desk: VisitorsDesk | None) -> None:
        self._desk = desk

    def view(self) -> Json:
        """Returns how many pictures the visitor has, how many they may have, and until when."""
        return self._told(lambda: None)

    def reset(self) -> Json:
        """Removes all that the visitor has added, and returns the new counts."""
        desk = self._desk
        return self._told(desk.spaces.reset if desk else lambda: None) | {"was_reset": True}

    def _told(self, change: Callable[[], None]) -> Json:
        def changed() -> Json:
            change()
            return {}

        refused = guarded(changed, error_view)
        found = guarded(self._found, error_view)
        return found | {"problem": refused.get("detail") or found.get("detail"), "at": time.monotonic()}

    def _found(self) -> Json:
        if self._desk is None:
            return {}
        rules, space = self._desk.spaces.rules, self._desk.spaces.visit().space
        return {
            "known": bool(self._desk.spaces.visitor),
            "count": len(self._desk.own_ids()),
            "quota": rules.quota,
            "hours": rules.hours,
            "expires": space.key.expires_at.isoformat() if space else None,
        }


def wire_demo(handlers: DemoHandlers, page: Controls) -> None:
    """Connects the notice about a visitor's own pictures with its handlers."""
    page.demo.asked(handlers.view, None, page.demo, **WATCHING)
    page.demo.reset(handlers.reset, None, page.demo, **CHANGING)
