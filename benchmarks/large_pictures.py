"""Measures the memory that large pictures take when many are decoded at once.

`python -m benchmarks.large_pictures --at-once 12` prints, for each format, the peak above what the process had before;
with `--apart` pictures are decoded in processes of their own, which count as well. `--way` says what is done with them:
decode (as an import does), image (as a program of the Python API that asks for whole pictures), detail and enlarged (as
the comparison of near-duplicates does); or, of an app, search (its HTTP API), preview (its page), agent (MCP, as data:
URIs as large as a request may be) or like (MCP, pictures of the library by their content ID).
"""

import argparse
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx
from PIL import ExifTags, Image

from app import open_library
from benchmarks.children import children
from library.decoders.direct import Decoder, DirectDecoder
from library.decoders.processes import DecoderProcesses
from library.duplicates.detail import detail_of
from library.duplicates.enlarged import is_enlarged
from library.images import content_id
from testing.app_server import Server
from testing.callers import Caller

SIZE = (15_000, 11_900)  # 179 megapixels
FORMATS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 1},
    "transparent PNG": {"compress_level": 1},
    "JPEG": {"quality": 60},
    "progressive JPEG": {"progressive": True},
}
ON_ITS_SIDE = 6
PATIENCE = 600.0  # seconds
FINE, COARSE = 2, 60  # pixels of a grain of noise: files of 80 MB, and such as the 4 MB of a request of MCP hold


def own() -> list[str]:
    """Returns this process and those it started."""
    return ["self", *children()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--formats", nargs="*", default=[*FORMATS], choices=[*FORMATS])
    parser.add_argument("--way", default="decode", choices=[*IN_PROCESS, *OF_AN_APP])
    given = parser.parse_args()
    at_once, decoder = given.at_once, DecoderProcesses() if given.apart else DirectDecoder()
    print("| 179 megapixels, on its side | MB a file | at once | MiB above idle | seconds |\n|---|---:|---:|---:|---:|")
    for name in given.formats:
        data = picture(name, COARSE if given.way == "agent" else FINE)
        if given.way in IN_PROCESS:
            peak, seconds = peak_of([partial(IN_PROCESS[given.way], decoder, data)] * at_once)
        else:
            peak, seconds = of_an_app(given.way, data, at_once)
        print(f"| {name} | {len(data) / 1e6:.0f} | {at_once} | {peak:,.0f} | {seconds:.1f} |", flush=True)


def picture(name: str, grain: int) -> bytes:
    Image.MAX_IMAGE_PIXELS = None
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = ON_ITS_SIDE
    buffer = BytesIO()
    noise = (
        Image.effect_noise((SIZE[0] // grain, SIZE[1] // grain), 60)
        .convert("RGB")
        .resize(SIZE, Image.Resampling.NEAREST)
    )
    if name.startswith("transparent"):
        noise.putalpha(99)
    noise.save(buffer, name.split()[-1], exif=exif, **FORMATS[name])
    return buffer.getvalue()


def of_an_app(way: str, data: bytes, count: int) -> tuple[float, float]:
    """Returns the peak of memory in MiB and the seconds of an app that gets `count` requests at once."""
    with tempfile.TemporaryDirectory() as folder:
        add(Path(folder), data, count if way in ("preview", "like") else 0)
        app = Server(Path(folder), EDITS="none", MCP="1").wait()
        number = str(app.process.pid)
        try:
            Caller(app.url).ask("search", text="red")  # loads what any search takes
            works = [partial(OF_AN_APP[way], app.url, numbered(data, each)) for each in range(count)]
            return peak_of(works, lambda: [number, *children(number)])
        finally:
            app.stop()


def add(folder: Path, data: bytes, count: int) -> None:
    """Adds `count` copies of a picture, which differ by a byte, to the library of the app."""
    if count:
        with open_library(data_dir=str(folder / "data"), clip_model="small", clip_device="cpu") as library:
            for each in range(count):
                path = folder / f"{each}"
                path.write_bytes(numbered(data, each))
                library.add(path)
                path.unlink()


def numbered(data: bytes, number: int) -> bytes:
    return data + bytes([number])


def search_with(url: str, data: bytes) -> None:
    caller = Caller(url, PATIENCE)
    kind, answer = caller.ask("search", image=caller.upload("large", data))
    if kind != "complete":
        print(kind, answer)


def preview(url: str, data: bytes) -> None:
    httpx.get(f"{url}/gradio_api/media/preview/{content_id(data)}", timeout=PATIENCE).raise_for_status()


def ask_as_agent(url: str, image: str) -> None:
    head = {"accept": "application/json, text/event-stream"}
    call = {"name": "search_pictures", "arguments": {"image": image}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = httpx.post(f"{url}/gradio_api/mcp/", json=body, headers=head, timeout=PATIENCE)
    if answer.status_code != 200 or '"isError":true' in answer.text:
        print(answer.status_code, answer.text[:300])


IN_PROCESS: dict[str, Callable[[Decoder, bytes], object]] = {
    "decode": lambda decoder, data: decoder.decode(data),
    "image": lambda decoder, data: decoder.decode(data, max(SIZE)),
    "detail": lambda decoder, data: detail_of(data, decoder.grey),
    "enlarged": lambda decoder, data: is_enlarged(data, data, decoder.grey),
}
OF_AN_APP: dict[str, Callable[[str, bytes], None]] = {
    "search": search_with,
    "preview": preview,
    "agent": lambda url, data: ask_as_agent(url, f"data:image/png;base64,{b64encode(data).decode()}"),
    "like": lambda url, data: ask_as_agent(url, content_id(data)),
}


def peak_of(works: Sequence[Callable[[], object]], processes: Callable[[], Iterable[str]] = own) -> tuple[float, float]:
    """Runs the calls at once; returns by how many MiB memory rose at its peak, and the seconds until all had ended."""
    before, begun, over = memory(processes), time.perf_counter(), threading.Event()
    peaks = [before]

    def watch() -> None:
        while not over.wait(0.1):
            peaks.append(memory(processes))

    watcher = threading.Thread(target=watch)
    workers = [threading.Thread(target=work) for work in works]
    for thread in (watcher, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    watcher.join()
    return max(peaks) - before, time.perf_counter() - begun


def memory(processes: Callable[[], Iterable[str]] = own) -> float:
    """Returns the MiB of memory that processes use; shared memory counts once."""
    return sum(map(resident, processes())) / 1024


def resident(process: str) -> int:
    """Returns the kilobytes that a process has in memory; 0 for one that has just ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 0


if __name__ == "__main__":
    main()
