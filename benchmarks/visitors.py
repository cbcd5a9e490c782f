"""Sends searches over HTTP from many clients at once to two apps by turns: one joins them, one answers each by itself.

python -m benchmarks.visitors [--clients 1 --clients 32] [--seconds 10] [--rows 30000] [--model small] [--what texts]
    [--route run]
"""

import http.client
import json
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from app import build
from benchmarks.fixtures import base_clip, temporary_folder
from benchmarks.results import CACHE
from library.samples.pictures import sample_items, sample_pictures
from settings import load_settings
from testing.app_server import Server
from testing.callers import OUTCOME, Caller
from testing.pictures import record, unit_vectors

CLIENTS = [1, 8, 32, 64]
WAYS = ("apart", "together")
PROGRAM = ("-m", "benchmarks.visitors_app")
ROWS_AT_ONCE = 1_000
WARM_UP = 3.0  # seconds
SIZES, COLOURS = ("small", "large", "tiny", "huge"), ("red", "blue", "green", "yellow", "white", "black")
SHAPES = ("circle", "square", "house", "tree", "balloon", "boat", "dog", "flower")
PLACES = ("on a beach", "in the evening", "behind a fence", "under a tree", "beside a road", "in the snow", "")
IN_ORDER = {"text": "", "limit": 24, "nprobe": None, "exact": False, "min_score": -1.0, "image": None}
ROUTES = ("call", "run")
MUST, AT = 3.0, 32  # times the throughput of texts, at so many clients


@dataclass
class Load:
    """Collects the answers that the clients received."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    took: float = 0.0  # seconds
    computed: float = 0.0  # seconds of all cores that the app took

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.took if self.took else 0.0


class Client:
    """Asks by the documented HTTP API over one connection, and costs the machine little itself."""

    def __init__(self, url: str, route: str = "call") -> None:
        self._host = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self._host, timeout=120)
        self._route = route

    def search(self, **arguments: Any) -> tuple[str, Any]:
        """Returns the last event of a search, complete or error, with its data."""
        if self._route == "run":
            body = json.dumps({"data": list((IN_ORDER | arguments).values())})
            return "complete", json.loads(self._answer("POST", "/gradio_api/run/search", body))["data"]
        begun = self._answer("POST", "/gradio_api/call/v2/search", json.dumps(arguments))
        event = json.loads(begun)["event_id"]
        [(kind, data)] = OUTCOME.findall(self._answer("GET", f"/gradio_api/call/search/{event}"))
        return kind, json.loads(data)

    def _answer(self, method: str, path: str, body: str | None = None) -> str:
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text[:200]}")
        return text


def main(
    clients: Annotated[list[int] | None, typer.Option(help="How many at once; may be given several times.")] = None,
    seconds: Annotated[float, typer.Option(help="How long each number of clients asks each app, twice.")] = 8.0,
    rows: Annotated[int, typer.Option(help="Rows of the collection beside the sample pictures.")] = 30_000,
    model: Annotated[list[str] | None, typer.Option(help="small, or full: a ViT-B/32 of random weights.")] = None,
    what: Annotated[list[str] | None, typer.Option(help="texts, or mixed: half texts, a third pictures.")] = None,
    route: Annotated[list[str] | None, typer.Option(help="call, two requests a search, or run, one.")] = None,
) -> None:
    failed = False
    print("| model | searches | route | clients | way | answers/s | p50 | p95 | p99 | errors | processor | ratio |")
    print("|---|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in model or ("full", "small"):
        with apps(name, rows) as running:
            for searches, by, count in product(what or ("texts", "mixed"), route or ROUTES, clients or CLIENTS):
                loads = by_turns(running, count, seconds, searches, by)
                print_rows(f"{name} | {searches} | {by} | {count}", loads)
                failed |= is_missed(name, searches, count, loads)
    sys.exit(1 if failed else 0)


@contextmanager
def apps(model: str, rows: int) -> Iterator[dict[str, Server]]:
    """Runs two apps over the same pictures and rows, each with a copy of its own."""
    with temporary_folder() as folder, ExitStack() as ending:
        environment = {"CLIP_MODEL": str(base_clip(CACHE)) if model == "full" else "small", "LOG_LEVEL": "warning"}
        fill(folder / "filled", environment["CLIP_MODEL"], rows)
        running = {}
        for way in WAYS:
            (folder / way).mkdir()
            shutil.copytree(folder / "filled", folder / way / "data")
            running[way] = Server(folder / way, (*PROGRAM, way), **environment).wait()
            ending.callback(running[way].stop)
            wait_for_engine(running[way])
            asked(running[way], 4, WARM_UP, "mixed")
        yield running


def fill(folder: Path, model: str, rows: int) -> None:
    """Makes a library of the sample pictures, whose collection has other rows beside theirs."""
    library = build(load_settings(data_dir=folder, clip_model=model))
    library.open()
    try:
        list(library.add(sample_items()))
        encoder = library.models.answering().info
        collection = library.database.collection(encoder)
        vectors = unit_vectors(rows, encoder.dim)
        for start in range(0, rows, ROWS_AT_ONCE):
            some = vectors[start : start + ROWS_AT_ONCE]
            collection.upsert([record(number) for number in range(start, start + len(some))], some)
        collection.index_all()
    finally:
        library.close()


def wait_for_engine(app: Server) -> None:
    """Waits until the model has answered, and what computes it is chosen."""
    caller = Caller(app.url, 120)
    for _ in range(100):
        if caller.ask("status")[1][0]["model"]["name"]:
            break
        time.sleep(0.2)
    time.sleep(12)


def by_turns(running: dict[str, Server], count: int, seconds: float, what: str, route: str) -> dict[str, Load]:
    """Asks the apps one after the other, and once more in the other order."""
    loads = {way: Load() for way in running}
    for order in (list(running), list(reversed(running))):
        for way in order:
            load = asked(running[way], count, seconds, what, route)
            loads[way].seconds += load.seconds
            loads[way].errors += load.errors
            loads[way].took += load.took
            loads[way].computed += load.computed
    return loads


def asked(app: Server, count: int, seconds: float, what: str, route: str = "call") -> Load:
    """Has a number of clients send one search after the other."""
    load, stop, counting = Load(), threading.Event(), threading.Lock()
    pictures = [data for _, data in sample_pictures(8)]

    def ask(number: int) -> None:
        client, chance = Client(app.url, route), random.Random(f"{number} {time.time()}")
        picture = None
        if what == "mixed":
            picture = Caller(app.url, 120).upload("query.png", pictures[number % len(pictures)])
        while not stop.is_set():
            started = time.perf_counter()
            kind, data = client.search(**query(chance, picture))
            took = time.perf_counter() - started
            with counting:
                load.seconds.append(took)
                if kind != "complete" or not data[0]:
                    load.errors.append(str(data)[:200])

    def noted(number: int) -> None:
        try:
            ask(number)
        except Exception as error:
            load.errors.append(repr(error))

    threads = [threading.Thread(target=noted, args=(number,)) for number in range(count)]
    started, computed = time.perf_counter(), processor_seconds(app.process.pid)
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    load.took = time.perf_counter() - started
    load.computed = processor_seconds(app.process.pid) - computed
    return load


def processor_seconds(pid: int) -> float:
    """Returns how long all cores have computed for a process, which other work on the machine changes less."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def query(chance: random.Random, picture: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the arguments of a search: a text, or of all where there is a picture a third that and a sixth both."""
    share = chance.random() if picture else 0
    text = " ".join(map(chance.choice, (SIZES, COLOURS, SHAPES, PLACES)))
    return (
        ({"text": f"a {text}".strip()} if share < 1 / 2 or share >= 5 / 6 else {})
        | ({"image": picture} if share >= 1 / 2 else {})
        | {"limit": 24}
    )


def print_rows(measured: str, loads: dict[str, Load]) -> None:
    for way, load in loads.items():
        p50, p95, p99 = (1000 * np.percentile(load.seconds or [0], each) for each in (50, 95, 99))
        ratio = f"{load.rate / loads['apart'].rate:.2f}" if loads["apart"].rate else ""
        print(
            f"| {measured} | {way} | {load.rate:.1f} | {p50:.0f} ms | {p95:.0f} ms | {p99:.0f} ms"
            f" | {len(load.errors)} | {1000 * load.computed / max(1, len(load.seconds)):.0f} ms | {ratio} |",
            flush=True,
        )
        for error in load.errors[:3]:
            print(error, file=sys.stderr)


def is_missed(model: str, what: str, count: int, loads: dict[str, Load]) -> bool:
    """Returns whether the searches that were joined failed, or are slower than they must be."""
    has_to = MUST if (model, what, count) == ("full", "texts", AT) else 0
    return bool(loads["together"].errors) or loads["together"].rate < has_to * loads["apart"].rate


if __name__ == "__main__":
    typer.run(main)
