"""Measures commands from the shell, cold, warm and beside the app, and what a browser fetches for the page.

python -m benchmarks.commands [--model FOLDER]
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from playwright.sync_api import sync_playwright

from benchmarks.fixtures import temporary_folder
from benchmarks.results import ROOT, Quick
from encoders.engines.keeping_texts import keep_exact_texts
from encoders.engines.kept import KeptTowers
from encoders.engines.kept_texts import kept_note
from encoders.loading import load_encoder
from testing.app_server import Server
from testing.browser import start_chromium

SEARCH, STATUS, LISTING = ["search", "a red circle"], ["status"], ["search"]
SETTLED, IDLE = 6, 30  # seconds
SENT = "Network.requestWillBeSent"


def main(
    rounds: int = 5,
    model: Annotated[str, typer.Option(help="CLIP_MODEL; its text tower is kept in float32 first.")] = "small",
    quick: Quick = False,
) -> None:
    with temporary_folder() as folder:
        settings = {"CLIP_MODEL": model, "CLIP_DEVICE": "cpu", "HF_HOME": str(folder / "hub"), "MILVUS_URI": ""}
        environment = {**os.environ, **settings, "DATA_DIR": str(folder / "data")}
        bare = {**environment, "HF_HOME": str(folder / "nothing kept"), "CLIP_ENGINE": "torch"}
        run(["samples"], environment)
        keep(model, folder)
        times = 1 if quick else rounds
        print("| command | by itself, torch | by itself | beside the app |\n|---|---:|---:|---:|")
        cold = [run(SEARCH, each) for each in (bare, environment)]  # of files that nobody has read lately
        alone = [median(times, partial(run, SEARCH, each)) for each in (bare, environment)]
        others = {name: median(times, partial(run, each, environment)) for name, each in named().items()}
        server = Server(folder, **settings).wait()
        try:
            run(SEARCH, environment)  # waits for the model
            beside = {name: median(times, partial(run, each, environment)) for name, each in named().items()}
            print(f"| search, the first time | {cold[0]:.2f} s | {cold[1]:.2f} s | |")
            print(f"| search | {alone[0]:.2f} s | {alone[1]:.2f} s | {beside['search']:.2f} s |")
            for name in ("status", "listing"):
                print(f"| {name} | | {others[name]:.2f} s | {beside[name]:.2f} s |")
            page(server.url, 6 if quick else IDLE)
        finally:
            server.stop()


def named() -> dict[str, list[str]]:
    return {"search": SEARCH, "status": STATUS, "listing": LISTING}


def keep(model: str, folder: Path) -> None:
    """Keeps what reads the texts, as an app does a few seconds after it has loaded the model."""
    encoder = load_encoder(model, "cpu")
    towers = KeptTowers(folder / "hub" / "likeness", encoder.info.fingerprint)
    keep_exact_texts(encoder, towers, kept_note(model, "auto", "cpu", "auto", ""))


def run(command: list[str], environment: dict[str, str]) -> float:
    """Returns the seconds that a command takes, from the start of its process to its end."""
    started = time.perf_counter()
    program = [sys.executable, "app.py", *command]
    subprocess.run(program, cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def median(rounds: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(rounds))


def page(url: str, idle: int) -> None:
    """Prints the requests and bytes of a first and a second visit, and what an open page asks for while idle."""
    print("\n| page | requests | kB |\n|---|---:|---:|")
    with sync_playwright() as playwright:
        context = start_chromium(playwright).new_context()
        for visit in ("first visit", "second visit"):
            tab = context.new_page()
            requests = watched(context.new_cdp_session(tab))
            tab.goto(url)
            tab.wait_for_selector("#query textarea")
            tab.wait_for_timeout(1000 * SETTLED)
            fetched = [each for each in requests.values() if each["bytes"] and not each["kept"]]
            print(f"| {visit} | {len(fetched)} | {sum(each['bytes'] for each in fetched) / 1000:,.0f} |")
            before = len(requests)
            if visit == "second visit":
                tab.wait_for_timeout(1000 * idle)
                print(f"| {idle} s idle | {len(requests) - before} | |")
            tab.close()


def watched(session: Any) -> dict[str, dict[str, Any]]:
    """Returns the requests of a tab by their IDs, as they come."""
    requests: dict[str, dict[str, Any]] = {}

    def note(name: str, field: str, value: Callable[[Any], Any]) -> None:
        session.on(name, lambda event: requests.get(event["requestId"], {}).update({field: value(event)}))

    session.send("Network.enable")
    session.on(SENT, lambda event: requests.setdefault(event["requestId"], {"bytes": 0, "kept": False}))
    note("Network.requestServedFromCache", "kept", lambda event: True)
    note("Network.responseReceived", "kept", lambda event: bool(event["response"].get("fromDiskCache")))
    note("Network.loadingFinished", "bytes", lambda event: int(event["encodedDataLength"]))
    return requests


if __name__ == "__main__":
    typer.run(main)
