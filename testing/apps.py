"""Starts the app with the library, model and network that a state of the page needs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

from testing.app_server import ForkedServer, Server
from testing.blocked_model import BlockedModel
from testing.libraries import Libraries

HOSTILE = "${alert(1)}{{value}}<img src=x onerror=alert(1)>.png"
RIGHT_TO_LEFT = "\u202egnp.exe صورة.png"
LONGEST = "é" * 125 + "x.png"  # 255 bytes, all that a file system takes
NOWHERE = "http://127.0.0.1:9"  # the port of a service that nobody runs
NO_PICTURE = "0" * 64
NONSENSE = "qwpoeiru"
WITHOUT_MODEL = """
import app
from encoders.sources import ModelLoader
from library.errors import ModelUnavailable
def fail(*_):
    raise ModelUnavailable("The memory of the graphics card is full. Stop what else runs on it, then start again.")
ModelLoader._load = fail
app.main()
"""
REBUILDING = """
from dataclasses import replace
import app
from db.milvus.collection import MilvusCollection
status = MilvusCollection.status
def rebuilding(self, expected_rows=None):
    return replace(status(self, expected_rows), state="rebuilding", nlist=512, seconds_until_release=None)
MilvusCollection.status = rebuilding
app.main()
"""


def quote_filter(field: str, operator: str, value: object) -> str:
    """Returns a filter as it is written in the address of the page."""
    return urlencode({"where": json.dumps([{"field": field, "operator": operator, "value": value}])})


FILTERED = urlencode(
    {
        "where": json.dumps(
            [
                {"field": "name", "operator": "starts with", "value": "night sky"},
                {"field": "width", "operator": "between", "value": [200, 2000]},
            ]
        ),
        "sort": "name",
    }
)


def without_network(hub: Path, model: str = "openai/clip-vit-base-patch32") -> dict[str, str]:
    """Returns the environment of an app without a network, whose model cache is the folder `hub`."""
    return {"CLIP_MODEL": model, "HF_HOME": str(hub), "HF_HUB_OFFLINE": "1"}


class Apps:
    """Returns a running app by each method, for one kind of library or fault; it starts at the first call."""

    def __init__(self, folder: Path, libraries: Libraries) -> None:
        self.folder = folder
        self.libraries = libraries
        self._servers: dict[str, Server] = {}
        self._numbers = count(1)

    def filled(self) -> Server:
        """Returns an app with the sample pictures, which no test changes."""
        return self._server("filled", library=self.libraries.samples)

    def of_photos(self, photos: Path) -> Server:
        """Returns an app with the photos of a folder."""
        return self._server("photos", library=lambda: self.libraries.photos(photos))

    def empty(self) -> Server:
        return self._server("empty")

    def read_only(self) -> Server:
        return self._server("read_only", EDITS="none")

    def closed(self) -> Server:
        return self._server("closed", AUTH="ann:secret")

    def changing(self) -> Server:
        return self._server("changing")

    def with_sources(self, folder: Path) -> Server:
        return self._server("with_sources", SOURCES_ALLOWED=str(folder))

    def loading(self) -> Server:
        """Returns an app whose model is never loaded."""
        return self._server("loading", self._blocked("loading"), IMAGE_STORE=self.pictures())

    def busy(self) -> Server:
        """Returns an app of its own at each call, whose model is never loaded, so that searches of others can wait."""
        name = f"busy {next(self._numbers)}"
        return self._server(name, self._blocked(name), IMAGE_STORE=self.pictures())

    def uploading(self) -> Server:
        """Returns an app in which an upload has begun that waits for the model."""
        return self._server("uploading", self._blocked("uploading"))

    def without_model(self) -> Server:
        """Returns an app for which not even the small model can be loaded."""
        return self._server("without_model", ("-c", WITHOUT_MODEL), IMAGE_STORE=self.pictures())

    def on_fallback(self) -> Server:
        """Returns an app whose chosen model is not in the cache, and without a network."""
        return self._server("on_fallback", library=None, **without_network(self._of("on_fallback") / "hub"))

    def another_model(self) -> Server:
        """Returns an app whose pictures were encoded for another model."""
        return self._server("another_model", IMAGE_STORE=self.pictures())

    def side_by_side(self) -> Server:
        """Returns an app with the sample pictures, encoded for two of three models; the third's weights are cut off."""
        library = self.libraries.two_models()
        others = ",".join(str(library / name) for name in ("other", "cut off"))
        return self._server("side_by_side", library=self.libraries.two_models, CLIP_OTHERS=others)

    def without_milvus(self) -> Server:
        return self._server("without_milvus", MILVUS_URI=NOWHERE, IMAGE_STORE=self.pictures())

    def rebuilding(self) -> Server:
        """Returns an app whose index is always just being rebuilt, with 512 clusters."""
        return self._server("rebuilding", ("-c", REBUILDING))

    def evaluated(self) -> Server:
        return self._server("evaluated", library=self.libraries.evaluated)

    def kept_in_order(self) -> Server:
        """Returns an app with some sample pictures, for tests that delete, restore and check them."""
        return self._server("kept_in_order", library=self.libraries.copies)

    def lose_a_thumbnail(self) -> None:
        next((self.folder / "kept_in_order" / "data" / "images").rglob("*.thumb.jpg")).unlink()

    def demo(self) -> Server:
        """Returns the public demo with the sample pictures, in which each visitor may add two."""
        return self._server("demo", library=self.libraries.samples, EDITS="", DEMO="1", DEMO_QUOTA="2")

    def duplicated(self, **environment: str) -> Server:
        """Returns an app with some sample pictures in several sizes and qualities, about which nothing is decided."""
        return self._server("duplicated" + "".join(environment.values()), library=self.libraries.copies, **environment)

    def picture(self, name: str | None = None) -> Path:
        """Returns a picture file that is in no library."""
        number = next(self._numbers)
        folder = self.folder / "pictures" / str(number)
        folder.mkdir(parents=True)
        path = folder / (name or f"drawn {number}.png")
        Image.new("RGB", (640, 400), (67 * number % 256, number // 256, 150)).save(path)
        return path

    def text_file(self) -> Path:
        path = self.folder / "page.jpg"
        path.write_text("<html>hello</html>")
        return path

    def pictures(self) -> str:
        """Returns the image store of the filled library, to read from."""
        return str(self.libraries.samples() / "data" / "images")

    def stop(self) -> None:
        for server in self._servers.values():
            server.process.send_signal(signal.SIGTERM)
        for server in self._servers.values():
            server.stop()

    def _server(
        self,
        name: str,
        program: Sequence[str] = ("app.py",),
        library: Callable[[], Path] | None = None,
        **environment: str,
    ) -> Server:
        if name not in self._servers:
            folder = self._of(name)
            if library:
                self.libraries.copy(library(), folder)
            self._servers[name] = ForkedServer(folder, program, **environment).wait()
        return self._servers[name]

    def _of(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _blocked(self, name: str) -> Sequence[str]:
        return BlockedModel(self._of(name) / "never").program
