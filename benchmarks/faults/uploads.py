"""Kills the app while pictures are uploaded to it over HTTP, as the page and programs do, and starts it again."""

import json
import random
import signal
import socket
import threading
import time
from typing import Any

import httpx

from benchmarks.faults.commands import Album, kept_promises, next_album
from benchmarks.faults.kills import MOST_IN_A_ROW
from benchmarks.faults.ledger import Verdict, compare
from benchmarks.faults.place import ENDED_WITHIN, Failed, Place
from benchmarks.faults.results import Results
from library.images import ContentId
from testing.program import ForkedProgram

UPLOADS, AT_ONCE = 5, 3  # one after the other, and pictures in each
LARGEST = 250  # pictures: then the library begins anew


class App:
    """Runs the app of a place on a free port."""

    def __init__(self, place: Place, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.place = place
        self.out = place.folder / f"app{port}.log"
        own = {"EDITS": "all", "GRADIO_SERVER_PORT": str(port), "LOG_LEVEL": "warning"}
        self.program: ForkedProgram = place.started([], self.out, **{**own, **settings})

    def wait(self) -> "App":
        """Returns once the app answers searches."""
        until = time.monotonic() + ENDED_WITHIN
        while True:
            if self.program.poll() is not None or time.monotonic() > until:
                raise Failed(f"the app did not start: {self.out.read_text(errors='replace')[-300:]}")
            try:
                if httpx.get(f"{self.url}/gradio_api/health", timeout=5).json()["state"] == "ready":
                    return self
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(0.02)

    def add(self, pictures: Album) -> set[ContentId]:
        """Uploads pictures and returns the content IDs that were reported as saved. Raises httpx.HTTPError, Failed."""
        files = [("files", (f"{id[:12]}.png", data)) for id, data in pictures.items()]
        uploaded = httpx.post(f"{self.url}/gradio_api/upload", files=files, timeout=60).raise_for_status().json()
        names = [f"{id[:12]}.png" for id in pictures]
        given = [
            {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
            for path, name in zip(uploaded, names, strict=True)
        ]
        [receipt] = self.call("add", [given])
        return {ContentId(each["content_id"]) for each in receipt["files"] if each["status"] in ("new", "duplicate")}

    def call(self, endpoint: str, data: list[Any]) -> list[Any]:
        """Returns the answer of an endpoint. Raises httpx.HTTPError, Failed where it answers with an error."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            event = client.post(f"/gradio_api/call/{endpoint}", json={"data": data}).raise_for_status().json()
            with client.stream("GET", f"/gradio_api/call/{endpoint}/{event['event_id']}") as stream:
                return _answer(stream)

    def stop(self) -> None:
        self.program.send_signal(signal.SIGTERM)
        if self.program.wait(ENDED_WITHIN):
            raise Failed(f"the app ended with {self.program.returncode}: {self.out.read_text()[-300:]}")

    def kill(self) -> None:
        self.program.kill()
        self.program.wait(ENDED_WITHIN)


def _answer(stream: httpx.Response) -> list[Any]:
    kind = ""
    for line in stream.iter_lines():
        if line.startswith("event:"):
            kind = line.removeprefix("event:").strip()
        elif line.startswith("data:") and kind in ("complete", "error"):
            if kind == "error":
                raise Failed(line)
            return list(json.loads(line.removeprefix("data:")))
    raise httpx.RemoteProtocolError("the stream ended without an answer")


def upload_kills(place: Place, chance: random.Random, kills: int, seconds: float | None = None) -> Results:
    """Kills the app in the middle of uploads `count` times and returns the results."""
    results = Results(f"kill -9 of page upload, {place.backend}")
    place.clear()
    pictures: Album = {}
    app = App(place).wait()
    duration = seconds or _timed(app, pictures)
    while results.kills < kills:
        if len(pictures) > LARGEST:
            app.kill()
            place.clear()
            pictures, app = {}, App(place).wait()
        new = next_album(place, UPLOADS * AT_ONCE)
        pictures |= new
        in_a_row = min(chance.randint(1, MOST_IN_A_ROW), kills - results.kills)
        for number in range(in_a_row):
            if number:
                app = App(place).wait()
            reported = _uploaded_until_killed(app, new, chance.uniform(0, duration))
        verdict = kept_promises(place, pictures, reported)
        started = time.monotonic()
        app = App(place).wait()
        for part in _parts(new):
            if app.add(part) != set(part):
                verdict += Verdict(wrong=["an upload was not reported as saved after the restart"])
        recovered = time.monotonic() - started
        app.stop()
        results.add(verdict + compare(place, pictures) + _left_uploads(place), recovered, in_a_row)
        if results.kills < kills:
            app = App(place).wait()
    return results


def _timed(app: App, pictures: Album) -> float:
    new = next_album(app.place, UPLOADS * AT_ONCE)
    pictures |= new
    started = time.monotonic()
    for part in _parts(new):
        app.add(part)
    return time.monotonic() - started


def _uploaded_until_killed(app: App, new: Album, after: float) -> set[ContentId]:
    """Kills the app the given seconds after the uploads began; returns what was reported as saved until then."""
    reported: set[ContentId] = set()
    killer = threading.Timer(after, app.program.kill)
    killer.start()
    try:
        for part in _parts(new):
            reported |= app.add(part)
    except httpx.HTTPError:
        pass
    killer.join()
    app.kill()
    return reported


def _parts(pictures: Album) -> list[Album]:
    items = list(pictures.items())
    return [dict(items[start : start + AT_ONCE]) for start in range(0, len(items), AT_ONCE)]


def _left_uploads(place: Place) -> Verdict:
    """Returns the upload folders that killed apps left, which the next start should have removed."""
    left = list(place.temporary.glob("likeness-*"))
    return Verdict(wrong=["temporary files of a killed app are left"] if left else [])
