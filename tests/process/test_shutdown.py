"""Sends SIGTERM in the middle of things: the app ends in order, in time, and loses nothing."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest

from testing.app_server import ROOT, ForkedServer, Server
from testing.pictures import noise
from testing.program import run_program
from testing.waiting import until

PICTURES = 320
WITHOUT_MODEL = """
import app, time
from encoders.sources import ModelLoader
ModelLoader._load = lambda *_: time.sleep(600)
app.main()
"""
TWO_SIGNALS = """
import os, runtime, signal, sys, time
stop = runtime.signalled()
os.kill(os.getpid(), signal.SIGTERM)
stop.wait()
print(stop.is_set, flush=True)
os.kill(os.getpid(), int(sys.argv[1]))
time.sleep(60)
"""


def call(server: Server, endpoint: str, *arguments: object) -> None:
    """Begins a call and does not wait for its outcome."""
    httpx.post(f"{server.url}/gradio_api/call/{endpoint}", json={"data": arguments}).raise_for_status()


def upload(server: Server) -> list[dict[str, str]]:
    files = [("files", (f"{seed}.jpg", noise(seed))) for seed in range(PICTURES)]
    paths = httpx.post(f"{server.url}/gradio_api/upload", files=files, timeout=60).json()
    return [{"path": path} for path in paths]


def test_an_upload_under_way_ends_with_its_batch(tmp_path):
    server = ForkedServer(tmp_path).wait()
    until(lambda: (tmp_path / "data" / "milvus.db").exists())  # the model is there
    call(server, "add", upload(server))
    until(lambda: list((tmp_path / "data").glob("images/*/*.json")))
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0, server.log.read_text()

    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data"), "CLIP_MODEL": "small", "MILVUS_URI": ""}
    result = run_program(["status", "--json"], ROOT, environment)
    status = json.loads(result.stdout)
    assert 0 < status["pictures"] < PICTURES
    assert status["rows"] == status["pictures"]
    assert status["pictures"] % 32 == 0  # whole batches
    assert "stopped after" in server.log.read_text()


def test_nobody_who_waits_for_the_model_holds_up_the_end(tmp_path):
    server = ForkedServer(tmp_path, ("-c", WITHOUT_MODEL)).wait()
    call(server, "search", "red")
    call(server, "add", upload(server)[:2])
    until(lambda: "started, 2 files" in server.log.read_text())
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0, server.log.read_text()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(second):
    command = [sys.executable, "-c", TWO_SIGNALS, str(int(second))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (result.stdout, result.returncode) == ("True\n", -second)
