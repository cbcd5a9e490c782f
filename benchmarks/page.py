"""Measures the bytes that a browser fetches for 50 results: their thumbnails and the event that lists them.

python -m benchmarks.page --photos FOLDER
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from benchmarks.fixtures import SMALL, generated, photo_paths, temporary_folder
from benchmarks.results import CACHE, RESULTS, ROOT, Cache, Photos, Quick, Results, Row, Table, publish
from library.images import THUMBNAIL_SIDE
from testing.app_server import Server
from ui.handlers.search import AUTOMATIC
from ui.media import PREFIX

SHOWN = 50
MOST = 1_000_000  # bytes
SESSION = "benchmark"
PATIENCE = 120  # seconds


def main(photos: Photos, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE) -> None:
    count = 60 if quick else 200
    materials = {
        f"photos of {THUMBNAIL_SIDE} px and more": photo_paths(photos, count, long_side=THUMBNAIL_SIDE),
        "500x375 JPEGs with much noise": generated(SMALL, count, photos, cache),
    }
    rows = [row(name, paths) for name, paths in materials.items()]
    publish(Table("Page", rows, ["The event as it goes over the wire, uncompressed."]), results, quick)


def row(name: str, paths: Sequence[Path]) -> Row:
    with temporary_folder() as folder:
        add_photos(folder, paths)
        server = Server(folder).wait()
        try:
            thumbnails, payload = shown(server.url)
        finally:
            server.stop()
    whole = thumbnails + payload
    return Row(
        f"page: {SHOWN} results, {name}",
        f"{thumbnails / 1000:,.0f} kB of thumbnails, {payload / 1000:,.0f} kB of event",
        "what it may be",
        f"{MOST / 1e6:.0f} MB",
        whole / MOST,
        at_most=1,
    )


def add_photos(folder: Path, paths: Sequence[Path]) -> None:
    settings = {"CLIP_MODEL": "small", "DATA_DIR": str(folder / "data"), "MILVUS_URI": ""}
    command = [sys.executable, "app.py", "ingest", *map(str, paths)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)


def shown(url: str) -> tuple[int, int]:
    """Returns the bytes of the thumbnails and of the event, after a search from the search box."""
    while True:
        payload, view = answered(url, search_event(url))
        if view["state"] != "waiting":  # for the model
            break
    assert len(view["items"]) == SHOWN, view["state"]
    thumbnails = sum(len(fetched(f"{url}{PREFIX}/thumb/{item['id']}")) for item in view["items"])
    return thumbnails, payload


def search_event(url: str) -> dict[str, Any]:
    """Sends a search for 50 results to the queue, as the page does."""
    config = json.loads(fetched(f"{url}/config"))
    named = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
    [event] = [each for each in config["dependencies"] if [named["query"], "submit"] in map(list, each["targets"])]
    values = {
        named["query"]: {"text": "a photo", "files": []},
        named["limit"]: SHOWN,
        named["accuracy"]: AUTOMATIC,
        named["nprobe"]: 16,
        named["minscore"]: 0,
    }
    data = [values.get(component) for component in event["inputs"]]  # None for what the server keeps
    return {"fn_index": event["id"], "data": data, "session_hash": SESSION, "event_data": None, "trigger_id": None}


def answered(url: str, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Returns the bytes that the queue sends for the event, and the results in it."""
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/json"}
    fetched(urllib.request.Request(f"{url}/gradio_api/queue/join", data=body, headers=headers))
    received, view = 0, {}
    with urllib.request.urlopen(f"{url}/gradio_api/queue/data?session_hash={SESSION}", timeout=PATIENCE) as stream:
        for line in stream:
            received += len(line)
            message = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {}
            if message.get("msg") == "process_completed":
                view = message["output"]["data"][0]
            if message.get("msg") == "close_stream":
                break
    return received, view


def fetched(request: str | urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        content: bytes = response.read()
    return content


if __name__ == "__main__":
    typer.run(main)
