"""Sends searches to a running app from many clients at once, half of them texts, a third pictures, during uploads.

python -m benchmarks.load [--server] [--clients 1 --clients 64] [--seconds 20] [--memory 5000]
"""

import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from library.samples.pictures import sample_pictures
from testing.app_server import Server
from testing.callers import Caller
from testing.milvus_server import MilvusServer

CLIENTS = [1, 8, 32, 64]
QUERIES = [
    f"{size} {colour} {shape}"
    for size in ("small", "large")
    for colour in ("red", "blue", "green", "yellow")
    for shape in ("circle", "square", "house", "tree", "balloon")
]
UPLOAD_EVERY = 2.0  # seconds
WARM_UP = 500  # queries after which memory is looked at first
NOISE = 60  # megabytes by which memory may differ


@dataclass
class Load:
    """Collects the answers that the clients of one run received."""

    seconds: list[float] = field(default_factory=list)
    served: list[int] = field(default_factory=list)  # answers by client
    errors: list[str] = field(default_factory=list)
    uploads: int = 0
    took: float = 0.0  # seconds


def main(
    server: Annotated[bool, typer.Option(help="Asks at a Milvus server, too.")] = False,
    clients: Annotated[list[int] | None, typer.Option(help="How many at once; may be given several times.")] = None,
    seconds: Annotated[float, typer.Option(help="How long each number of clients asks.")] = 20.0,
    memory: Annotated[int, typer.Option(help="Sends this number of queries instead and checks the memory.")] = 0,
) -> None:
    failed = False
    if not memory:
        print("| backend | clients | answers/s | p50 | p95 | p99 | errors | fairness | uploads |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for backend in ("Lite", "server") if server else ("Lite",):
        with app_of(backend) as app:
            if memory:
                failed |= not keeps_its_memory(app, backend, memory)
                continue
            for count in clients or CLIENTS:
                load = asked(app, count, seconds)
                print(row(backend, count, load), flush=True)
                failed |= bool(load.errors)
    sys.exit(1 if failed else 0)


@contextmanager
def app_of(backend: str) -> Iterator[Server]:
    """Runs an app with the small CLIP and the sample pictures."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        environment = {}
        if backend == "server":
            milvus = ending.enter_context(MilvusServer(folder / "milvus"))
            environment = {"MILVUS_URI": milvus.uri}
        app = Server(folder, **environment).wait()
        ending.callback(app.stop)
        caller = Caller(app.url)
        caller.ask("add", files=[caller.upload(name, data) for name, data in sample_pictures()])
        yield app


def asked(app: Server, count: int, seconds: float) -> Load:
    """Has a number of clients send one search after the other, and uploads a picture now and then."""
    load, stop, counting = Load(), threading.Event(), threading.Lock()
    pictures = [data for _, data in sample_pictures(8)]

    def ask(number: int) -> None:
        caller, chance, served = Caller(app.url, 120), random.Random(number), 0
        picture = caller.upload("query.png", pictures[number % len(pictures)])
        while not stop.is_set():
            started = time.perf_counter()
            kind, data = caller.ask("search", **query(chance, picture))
            took = time.perf_counter() - started
            served += 1
            with counting:
                load.seconds.append(took)
                if kind != "complete" or not data[0]:
                    load.errors.append(str(data))
        with counting:
            load.served.append(served)

    def upload() -> None:
        caller = Caller(app.url, 120)
        while not stop.wait(UPLOAD_EVERY):
            kind, data = caller.ask("add", files=[caller.upload(f"{time.time()}.png", new_picture())])
            load.uploads += 1
            if kind != "complete" or data[0]["new"] != 1:
                load.errors.append(str(data))

    def noted(work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:
            load.errors.append(repr(error))

    threads = [threading.Thread(target=noted, args=(ask, number)) for number in range(count)]
    threads.append(threading.Thread(target=noted, args=(upload,)))
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    load.took = time.perf_counter() - started
    return load


def query(chance: random.Random, picture: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a search: half are texts, a third pictures, the rest both."""
    what = chance.random()
    text = {"text": chance.choice(QUERIES)} if what < 1 / 2 or what >= 5 / 6 else {}
    return text | ({"image": picture} if what >= 1 / 2 else {}) | {"limit": 24}


def new_picture() -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.random.default_rng().integers(0, 255, (60, 80, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def row(backend: str, count: int, load: Load) -> str:
    p50, p95, p99 = (1000 * np.percentile(load.seconds or [0], each) for each in (50, 95, 99))
    fairness = min(load.served, default=0) / max(load.served, default=1)
    for error in load.errors[:3]:
        print(error, file=sys.stderr)
    return (
        f"| {backend} | {count} | {len(load.seconds) / load.took:.1f} | {p50:.0f} ms | {p95:.0f} ms | {p99:.0f} ms"
        f" | {len(load.errors)} | {fairness:.2f} | {load.uploads} |"
    )


def keeps_its_memory(app: Server, backend: str, queries: int) -> bool:
    """Prints the memory of the app before, after the first queries and after the last; returns whether it stayed."""
    pid = app.process.pid
    caller, chance = Caller(app.url, 120), random.Random(0)
    picture = caller.upload("query.png", next(sample_pictures(1))[1])
    at = {0: megabytes(pid)}
    for number in range(1, queries + 1):
        kind, data = caller.ask("search", **query(chance, picture))
        if kind != "complete":
            print(data, file=sys.stderr)
            return False
        if number == min(WARM_UP, queries) or number == queries or number % 1_000 == 0:
            at[number] = megabytes(pid)
    print(f"{backend}: " + ", ".join(f"{size:.0f} MB after {number}" for number, size in at.items()))
    return at[queries] - at[min(WARM_UP, queries)] <= NOISE


def megabytes(pid: int) -> float:
    """Returns the resident memory of a process, from /proc."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    typer.run(main)
