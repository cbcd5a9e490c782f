"""Runs the program over one DATA_DIR, with Milvus Lite or on a server, and opens its library to look at it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from subprocess import CompletedProcess

from db.files.dropped_files import DroppedFiles
from db.images.local import LocalImageStore
from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus
from encoders.loading import load_encoder
from library.image_library import ImageLibrary
from library.models import Models, ModelSource
from library.ports import Encoder, ImageStore
from testing.milvus_server import MilvusServer
from testing.program import ForkedProgram, run_forked

ENDED_WITHIN = 180
RELEASE_AFTER = 0.0


class Failed(Exception):
    """Tells that a command failed that should have succeeded."""


@cache
def small_encoder() -> Encoder:
    return load_encoder("small", "cpu", "float32")


class Place:
    """Holds one library: its folder, and the Milvus server where it has one."""

    def __init__(self, folder: Path, server: MilvusServer | None = None, **settings: str) -> None:
        self.folder = folder
        self.server = server
        self.settings = settings
        self.first = ""  # code that every program runs first
        self.numbers = count()  # of the pictures, none of which comes twice
        self.open_store: Callable[[], ImageStore] = lambda: LocalImageStore(self.images)
        self.temporary.mkdir(parents=True, exist_ok=True)

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def images(self) -> Path:
        return self.data / "images"

    @property
    def backend(self) -> str:
        return "server" if self.server else "Lite"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "CLIP_MODEL": "small",
            "CLIP_DEVICE": "cpu",
            "CLIP_DTYPE": "float32",
            "DATA_DIR": str(self.data),
            "MILVUS_URI": self.server.uri if self.server else "",
            "NO_COLOR": "1",
            "TMPDIR": str(self.temporary),
        }
        return {**os.environ, **own, **self.settings}

    def started(self, arguments: list[str], out: Path, **more: str) -> ForkedProgram:
        """Returns a run of `python app.py`, or of other code where the arguments begin with -c."""
        return ForkedProgram(self._command(arguments), self.folder, {**self.environment, **more}, out)

    def ended(self, *arguments: str, **more: str) -> CompletedProcess[str]:
        """Returns how a command ended, with what it printed."""
        return run_forked(self._command(list(arguments)), self.folder, {**self.environment, **more}, ENDED_WITHIN)

    def run(self, *arguments: str, **more: str) -> str:
        """Returns what a command printed. Raises Failed where it ended with another code than 0."""
        ended = self.ended(*arguments, **more)
        if ended.returncode:
            raise Failed(f"{arguments[0]} ended with {ended.returncode}: {_last_words(ended)}")
        return ended.stdout

    def _command(self, arguments: list[str]) -> list[str]:
        if arguments[:1] != ["-c"] and not self.first:
            return ["app.py", *arguments]
        code, rest = (arguments[1], arguments[2:]) if arguments[:1] == ["-c"] else ("import app; app.main()", arguments)
        return ["-c", f"{self.first}\n{code}", *rest]

    @contextmanager
    def opened(self, rule: NlistRule | None = None) -> Iterator[ImageLibrary]:
        """Yields the library, opened in this process."""
        milvus = Milvus(
            self.server.uri if self.server else self.data / "milvus.db",
            nlist=rule or NlistRule(),
            release_after=RELEASE_AFTER,
        )
        encoder = small_encoder()
        models = Models(ModelSource(encoder.info.name, lambda: encoder))
        models.answer_with(encoder)
        days = int(self.settings.get("TRASH_DAYS", "30"))
        dropped = DroppedFiles(self.data / "trash")
        library = ImageLibrary(self.open_store(), models, milvus, dropped=dropped, trash_days=days)
        try:
            yield library
        finally:
            library.close()

    def clear(self) -> None:
        """Removes the library: the next operation makes it from nothing."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.server:
            self.server.empty()


def _last_words(ended: CompletedProcess[str]) -> str:
    lines = [line for line in (ended.stderr or ended.stdout).splitlines() if line.strip() and "━" not in line]
    return lines[-1].strip()[:300] if lines else ""
