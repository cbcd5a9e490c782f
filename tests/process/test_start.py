"""Starts commands whose standard streams are closed, and stops them while they still start."""

import os
import shlex
import signal
import subprocess
import sys

import pytest

from library.samples.pictures import sample_pictures
from testing.app_server import ROOT


def environment(folder):
    return {**os.environ, "DATA_DIR": str(folder / "data"), "CLIP_MODEL": "small", "MILVUS_URI": ""}


def run(folder, command, redirected):
    """Returns how a command ended that a shell has started."""
    line = f"exec {shlex.quote(sys.executable)} app.py {command} {redirected}"
    return subprocess.run(["sh", "-c", line], cwd=ROOT, env=environment(folder), capture_output=True, text=True)


def begun(folder, *options):
    """Returns a process that has begun to run `trash empty` and hears Ctrl-C, as in a terminal."""
    return subprocess.Popen(
        [sys.executable, *options, "app.py", "trash", "empty"],
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize("closed", ["2>&-", ">&-"])
def test_a_command_does_its_work_with_a_closed_stream(libraries, tmp_path, closed):
    libraries.copy(libraries.samples(), tmp_path)
    record = next((tmp_path / "data" / "images").glob("*/*.json"))
    done = run(tmp_path, f"delete {record.stem}", closed)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert not record.exists()


def test_pictures_are_added_with_all_streams_closed(tmp_path):
    (tmp_path / "a.png").write_bytes(next(iter(sample_pictures(1)))[1])
    assert run(tmp_path, f"ingest {shlex.quote(str(tmp_path / 'a.png'))}", "<&- >&- 2>&-").returncode == 0
    assert len([*(tmp_path / "data" / "images").glob("*/*.json")]) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["commands.client", "typer", "pymilvus"])
def test_a_signal_while_a_command_starts_ends_it_with_a_word(tmp_path, number, module):
    starting = begun(tmp_path, "-X", "importtime")
    assert any(line.split()[-1] == module for line in starting.stderr)
    starting.send_signal(number)
    _, said = starting.communicate(timeout=60)
    assert starting.returncode == 130
    assert said.endswith("Stopped.\n") and "Traceback" not in said


def test_ctrl_c_at_a_question_ends_the_command_with_nothing_done(libraries, tmp_path):
    libraries.copy(libraries.samples(), tmp_path)
    first = run(tmp_path, "search --limit 1", "").stdout.split()[0]
    assert run(tmp_path, f"delete {first}", "").returncode == 0
    asked = begun(tmp_path)
    assert asked.stdout.read(6) == "Remove"
    asked.send_signal(signal.SIGINT)
    _, said = asked.communicate(timeout=60)
    assert asked.returncode == 130 and "Nothing was removed." in said
