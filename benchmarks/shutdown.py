"""Sends SIGTERM to the app in every state and prints after how many seconds it has ended; ten are allowed.

python -m benchmarks.shutdown [--server] [--only unpacking]
"""

import bz2
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import httpx
import typer

from testing.app_server import Server
from testing.blocked_model import BlockedModel
from testing.callers import Caller
from testing.libraries import Libraries
from testing.milvus_server import MilvusServer
from testing.pictures import noise
from testing.waiting import until

ALLOWED = 10.0  # seconds
PATIENCE = 300.0  # seconds until a state is reached, on a machine that has other work
PICTURES = 400
CLIENTS = 64
MEMBER_MEGABYTES = 240

# Each picture that near-duplicates are looked for in, and each search of a measurement, takes a while.
SLOWLY = """
import time
import app
from db.images.local import LocalImageStore
from db.milvus.loaded import LoadedMilvusCollection
def slow(kind, name):
    work = getattr(kind, name)
    def slowly(*args, **options):
        time.sleep(0.2)
        return work(*args, **options)
    setattr(kind, name, slowly)
slow(LocalImageStore, "thumbnail")
slow(LoadedMilvusCollection, "search")
app.main()
"""


def main(
    server: Annotated[bool, typer.Option(help="Tries a Milvus server, too, that is frozen or gone.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A state by its name; may be given several times.")] = None,
) -> None:
    names = [name for name in STATES if (not only or name in only) and (server or name not in OF_SERVER)]
    late = 0
    print("| state | seconds | exit code |")
    print("|---|---:|---:|")
    for name in names:
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                seconds, code = ended(STATES[name], Path(folder))
        except (AssertionError, TimeoutError, httpx.HTTPError) as error:  # which must not hide the other states
            late += 1
            print(f"| {name} | not reached: {error!r:.200} | |", flush=True)
            continue
        late += seconds > ALLOWED
        print(f"| {name} | {seconds:.1f} | {code} |", flush=True)
    sys.exit(1 if late else 0)


def ended(state: Callable[[Path], Server], folder: Path) -> tuple[float, int | None]:
    """Returns after how many seconds an app in that state has ended, and how; after 60 it is killed."""
    try:
        app = state(folder)
        time.sleep(0.5)
        started = time.monotonic()
        app.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            app.process.wait(60)
        return time.monotonic() - started, app.process.poll()
    finally:
        for each in KEPT:
            if isinstance(each, MilvusServer):
                for pid in each.pids:
                    os.kill(pid, signal.SIGCONT)
                each.stop()
            elif isinstance(each, Server) and each.process.poll() is None:
                each.process.kill()
                each.process.wait()
        KEPT.clear()


def served(folder: Path, program: tuple[str, ...] = ("app.py",), **environment: str) -> Server:
    """Starts the app, which is killed with its state where nothing else ends it."""
    app = Server(folder, program, **environment)
    KEPT.append(app)
    return app.wait()


def idle(folder: Path) -> Server:
    app = served(folder)
    until(lambda: is_ready(app), PATIENCE)
    return app


def receiving(folder: Path) -> Server:
    """Uploads a file whose body is never completed."""
    app = idle(folder)
    port = int(app.url.rpartition(":")[2])
    line = socket.create_connection(("127.0.0.1", port))
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000000\r\n"
    line.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode())
    KEPT.append(line)
    return app


def adding(folder: Path) -> Server:
    """Adds pictures that the page has uploaded."""
    app = idle(folder)
    caller = Caller(app.url)
    for start in range(0, PICTURES, 100):
        files = [("files", (f"{number}.jpg", noise(number))) for number in range(start, start + 100)]
        paths = caller.http.post("/upload", files=files).json()
        caller.begin("add", files=[{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths])
    until(lambda: any(folder.glob("data/images/*/*.json")), PATIENCE)
    return app


def bulk(folder: Path) -> Server:
    """Adds a folder of the server, as visitors may with SOURCES_ALLOWED."""
    source = folder / "source"
    source.mkdir()
    for number in range(PICTURES):
        (source / f"{number}.jpg").write_bytes(noise(number))
    app = from_server(folder, source)
    until(lambda: any(folder.glob("data/images/*/*.json")), PATIENCE)
    return app


def unpacking(folder: Path) -> Server:
    """Unpacks a tar whose first file is large and is packed by bzip2, the slowest of all."""
    source = folder / "source"
    source.mkdir()
    write_large_tar(source / "a.tar.bz2")
    app = from_server(folder, source / "a.tar.bz2")
    until(lambda: "started" in app.log.read_text(), PATIENCE)
    return app


def searching(folder: Path) -> Server:
    app = with_samples(folder, "")
    for number in range(CLIENTS):
        Caller(app.url).begin("search", text=f"a red circle {number}")
    return app


def loading(folder: Path) -> Server:
    """Waits for a model that is never loaded, with searches and an upload that wait for it."""
    app = served(folder, BlockedModel(folder / "gate").program)
    caller = Caller(app.url)
    caller.begin("search", text="red")
    caller.begin("add", files=[caller.upload("a.jpg", noise(1))])
    return app


def comparing(folder: Path) -> Server:
    """Searches for near-duplicates."""
    app = with_samples(folder, SLOWLY)
    Caller(app.url).trigger("duplicates", "begin")
    until(lambda: "started" in app.log.read_text(), PATIENCE)
    return app


def measuring(folder: Path) -> Server:
    """Measures the accuracy of the index."""
    app = with_samples(folder, SLOWLY)
    Caller(app.url).trigger("tuning", "begin")
    until(lambda: "started" in app.log.read_text(), PATIENCE)
    return app


def streaming(folder: Path) -> Server:
    """Keeps clients connected to endless streams of events."""
    app = idle(folder)
    connected: set[int] = set()

    def listen(number: int) -> None:
        with (
            suppress(httpx.HTTPError),
            httpx.stream("GET", f"{app.url}/gradio_api/heartbeat/{number}", timeout=60) as it,
        ):
            connected.add(number)
            for _ in it.iter_raw():
                pass

    for number in range(CLIENTS):
        threading.Thread(target=listen, args=[number], daemon=True).start()
    until(lambda: len(connected) == CLIENTS, PATIENCE)
    return app


def frozen(folder: Path) -> Server:
    return at_milvus(folder, signal.SIGSTOP)


def gone(folder: Path) -> Server:
    return at_milvus(folder, signal.SIGKILL)


def at_milvus(folder: Path, number: signal.Signals) -> Server:
    """Adds and searches at a Milvus server that the signal reaches meanwhile."""
    milvus = MilvusServer(folder / "milvus")
    KEPT.append(milvus)
    milvus.start()
    app = served(folder, MILVUS_URI=milvus.uri)
    caller = Caller(app.url)
    caller.ask("add", files=[caller.upload("a.jpg", noise(1))])
    for pid in milvus.pids:
        os.kill(pid, number)
    for text in ("red", "blue"):
        caller.begin("search", text=text)
    caller.begin("add", files=[caller.upload("b.jpg", noise(2))])
    return app


KEPT: list[object] = []  # connections and servers, until the app has ended
OF_SERVER = ("Milvus frozen", "Milvus gone")
STATES: dict[str, Callable[[Path], Server]] = {
    "idle": idle,
    "receiving an upload": receiving,
    "adding uploads": adding,
    "adding a folder": bulk,
    "unpacking": unpacking,
    "searching": searching,
    "loading the model": loading,
    "near-duplicates": comparing,
    "measuring": measuring,
    "64 streams": streaming,
    "Milvus frozen": frozen,
    "Milvus gone": gone,
}


def with_samples(folder: Path, program: str) -> Server:
    libraries = Libraries(folder / "libraries")
    libraries.copy(libraries.samples(), folder)
    app = served(folder, ("-c", program) if program else ("app.py",))
    until(lambda: is_ready(app), PATIENCE)
    return app


def from_server(folder: Path, source: Path) -> Server:
    app = served(folder, SOURCES_ALLOWED=str(folder / "source"))
    until(lambda: is_ready(app), PATIENCE)
    Caller(app.url).trigger("uploads", "named", {"source": str(source)})
    return app


def is_ready(app: Server) -> bool:
    with suppress(httpx.TimeoutException):
        return httpx.get(f"{app.url}/gradio_api/health").status_code == 200
    return False


def write_large_tar(path: Path) -> None:
    """Writes a tar of one file, of which one megabyte is packed and repeated: bzip2 reads streams one after another."""
    member = tarfile.TarInfo("a.jpg")
    member.size = MEMBER_MEGABYTES << 20
    with path.open("wb") as file:
        file.write(bz2.compress(member.tobuf()))
        piece = bz2.compress(random.Random(1).randbytes(1 << 20))
        for _ in range(MEMBER_MEGABYTES):
            file.write(piece)
        file.write(bz2.compress(bytes(tarfile.RECORDSIZE)))


if __name__ == "__main__":
    typer.run(main)
