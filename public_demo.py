"""Decides whether the app is the public demo, refuses settings that leave it unclear, and builds what it needs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from environment import SettingsError

if TYPE_CHECKING:
    from library.image_library import ImageLibrary
    from library.visitors.ports import SpaceRows

SWEPT_EVERY = 300.0  # seconds
SHARE = 0.1  # of the time that visitors have, at most
ONLY_IN_DEMO = ("demo_quota", "demo_ttl", "demo_address_quota", "demo_disk")


class DemoSettings(Protocol):
    """Describes the settings that decide whether the app is the demo, and its limits."""

    @property
    def demo(self) -> bool | None: ...
    @property
    def demo_quota(self) -> int: ...
    @property
    def demo_ttl(self) -> float: ...
    @property
    def demo_address_quota(self) -> int: ...
    @property
    def demo_disk(self) -> int: ...
    @property
    def edits(self) -> str | None: ...
    @property
    def accounts(self) -> dict[str, str]: ...
    @property
    def model_fields_set(self) -> set[str]: ...
    @property
    def data_dir(self) -> Path: ...


def is_space() -> bool:
    """Returns whether this is a Space of Hugging Face, which says so itself."""
    return bool(os.environ.get("SPACE_ID"))


def is_demo(settings: DemoSettings) -> bool:
    """Returns whether each visitor has pictures of their own: as DEMO says, else on a Space that says nothing of who
    may change what, neither by EDITS nor by AUTH."""
    if settings.demo is not None:
        return settings.demo
    return is_space() and settings.edits is None and not settings.accounts


def check_demo(settings: DemoSettings) -> None:
    """Raises SettingsError where settings contradict each other or have no effect."""
    if settings.demo and settings.edits is not None:
        raise SettingsError("demo_and_edits", edits=settings.edits)
    alone = [name for name in ONLY_IN_DEMO if name in settings.model_fields_set]
    if alone and not is_demo(settings):
        raise SettingsError("only_in_demo", setting=alone[0].upper())


class Demo:
    """Holds what the page of the demo works with in the place of the library and its worker."""

    def __init__(self, settings: DemoSettings, shared: "ImageLibrary") -> None:
        """Makes the demo over `shared`, the library that all visitors see and none changes."""
        from db.images.spaces import LocalSpaces
        from library.running.sweeper import Sweeper
        from library.visitors.bounds import DemoRules
        from library.visitors.spaces import Spaces
        from library.visitors.view import VisitorsWorker, visited_library
        from ui.guards.ownership import Ownership
        from ui.handlers.demo import VisitorsDesk

        rules = DemoRules(settings.demo_quota, settings.demo_ttl, settings.demo_address_quota, settings.demo_disk)
        self.spaces = Spaces(shared, LocalSpaces(settings.data_dir.absolute() / "visitors"), _rows(shared), rules)
        self.library = visited_library(self.spaces)
        self.worker = VisitorsWorker(shared, self.spaces)
        self.sweeper = Sweeper("spaces", self.spaces.sweep, min(SWEPT_EVERY, SHARE * 3600 * settings.demo_ttl))
        self.desk = VisitorsDesk(self.spaces, Ownership())


def _rows(shared: "ImageLibrary") -> "SpaceRows":
    from db.milvus.database import Milvus
    from db.milvus.own_rows import OwnRows

    assert isinstance(shared.database, Milvus)
    return OwnRows(shared.database)
