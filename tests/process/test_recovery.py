"""Killed in the middle, started again: nothing is lost, nothing is there twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.images.local import LocalImageStore
from testing.app_server import ROOT

PICTURES = 300


@pytest.fixture
def album(tmp_path, picture) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(PICTURES):
        (folder / f"{number:03}.png").write_bytes(picture((number % 256, number // 256, 90), size=(300, 200)))
    return folder


def ingest(album: Path, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "ingest", str(album), "--json"],
        env=os.environ | {"DATA_DIR": str(data), "CLIP_MODEL": "small"},
        cwd=data.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def stored(data: Path) -> int:
    return LocalImageStore(data / "images").count()


@pytest.mark.parametrize("kill_at", [1, 100])
def test_a_killed_ingestion_is_finished_by_the_same_command(album, tmp_path, kill_at):
    data = tmp_path / "data"
    first = ingest(album, data)
    deadline = time.monotonic() + 60
    while stored(data) < kill_at and time.monotonic() < deadline:
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = stored(data)
    assert kill_at <= before < PICTURES, "killed too early or too late to prove anything"

    output, _ = ingest(album, data).communicate(timeout=120)
    counts = json.loads(output)
    assert counts["new"] + counts["duplicate"] == PICTURES and counts["rejected"] == 0
    assert stored(data) == PICTURES

    output, _ = ingest(album, data).communicate(timeout=120)
    assert json.loads(output)["duplicate"] == PICTURES  # every picture has exactly one row


def test_ctrl_c_ends_after_the_batch_in_hand_with_a_receipt(album, tmp_path):
    data = tmp_path / "data"
    run = ingest(album, data)
    deadline = time.monotonic() + 60
    while stored(data) < 1 and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    counts = json.loads(output)
    assert run.returncode == 130
    assert counts["new"] == stored(data) > 0
    assert counts["new"] + counts["skipped"] == PICTURES
