"""Kills the app in the middle and starts it again: nothing is lost, nothing is there twice."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from db.images.local import LocalImageStore
from testing.program import ForkedProgram

PICTURES = 200


@pytest.fixture
def album(tmp_path, picture) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(PICTURES):
        (folder / f"{number:03}.png").write_bytes(picture((number % 256, number // 256, 90), size=(300, 200)))
    return folder


def ingest(album: Path, data: Path) -> ForkedProgram:
    environment = os.environ | {"DATA_DIR": str(data), "CLIP_MODEL": "small"}
    return ForkedProgram(
        ["app.py", "ingest", str(album), "--json"], data.parent, environment, receipt(data), data.parent / "err"
    )


def receipt(data: Path) -> Path:
    return data.parent / "out"


def finished(album: Path, data: Path) -> dict[str, int]:
    """Returns the counts of a run that nobody interrupts."""
    receipt(data).unlink(missing_ok=True)
    ingest(album, data).wait(120)
    return json.loads(receipt(data).read_text())


def stored(data: Path) -> int:
    return LocalImageStore(data / "images").count()


@pytest.mark.parametrize("kill_at", [1, 70])
def test_a_killed_ingestion_is_finished_by_the_same_command(album, tmp_path, kill_at):
    data = tmp_path / "data"
    first = ingest(album, data)
    deadline = time.monotonic() + 60
    while stored(data) < kill_at and time.monotonic() < deadline:
        time.sleep(0.005)
    first.kill()
    first.wait()
    before = stored(data)
    assert kill_at <= before < PICTURES, "killed too early or too late to prove anything"

    counts = finished(album, data)
    assert counts["new"] + counts["duplicate"] == PICTURES and counts["rejected"] == 0
    assert stored(data) == PICTURES

    assert finished(album, data)["duplicate"] == PICTURES  # every picture has exactly one row


def test_ctrl_c_ends_after_the_batch_in_hand_with_a_receipt(album, tmp_path):
    data = tmp_path / "data"
    run = ingest(album, data)
    deadline = time.monotonic() + 60
    while stored(data) < 1 and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    counts = json.loads(receipt(data).read_text())
    assert counts["new"] == stored(data) > 0
    assert counts["new"] + counts["skipped"] == PICTURES
