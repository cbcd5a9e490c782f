"""Measures the time from the start of the process to the page served, beside importing gradio alone.

python -m benchmarks.startup
"""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.fixtures import temporary_folder
from benchmarks.results import RESULTS, ROOT, Quick, Results, Row, Table, medians, publish, seconds
from testing.app_server import Server

BETWEEN = 0.01  # seconds
ALONE = {"GRADIO_ANALYTICS_ENABLED": "False"}


def main(
    rounds: int = 7,
    model: Annotated[str, typer.Option(help="CLIP_MODEL of the app: it loads while the page is served.")] = "small",
    quick: Quick = False,
    results: Results = RESULTS,
) -> None:
    with temporary_folder() as folder:
        served(folder, model), imported()
        page, gradio = medians(2 if quick else rounds, lambda: served(folder, model), imported)
    row = Row(
        "process start to page served",
        f"{page:.2f} s",
        "importing gradio alone",
        f"{gradio:.2f} s",
        page / gradio,
        at_most=1.5,
    )
    note = f"With CLIP_MODEL={model}, over an empty library on Milvus Lite."
    publish(Table("Startup", [row], [note]), results, quick)


def served(folder: Path, model: str) -> float:
    started = time.perf_counter()
    server = Server(folder, CLIP_MODEL=model)
    try:
        while not answers(server):
            time.sleep(BETWEEN)
        return time.perf_counter() - started
    finally:
        server.stop()


def answers(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        with urllib.request.urlopen(server.url, timeout=60) as response:
            return bool(response.read()) and response.status == 200
    except OSError:
        return False


def imported() -> float:
    command = [sys.executable, "-c", "import gradio"]
    return seconds(lambda: subprocess.run(command, cwd=ROOT, env={**os.environ, **ALONE}, check=True))


if __name__ == "__main__":
    typer.run(main)
