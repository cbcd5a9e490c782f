"""Breaks a restore and a repair off by a signal, by command and in the app: one sentence, and the same again does the
rest."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.images.local import LocalImageStore
from testing.app_server import ROOT, ForkedServer
from testing.program import ForkedProgram, run_program
from testing.waiting import until

PICTURES = 210  # more than are restored at once
SLOWLY = """
import time
from db.images.local import LocalImageStore
add = LocalImageStore.add
def slowly(*given):
    time.sleep(SECONDS)
    add(*given)
LocalImageStore.add = slowly
import app
app.main()
"""


@pytest.fixture(scope="module")
def backup(tmp_path_factory, picture):
    """Returns the folder of a backup of many small pictures."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "album").mkdir()
    for number in range(PICTURES):
        (folder / "album" / f"{number:03}.png").write_bytes(picture((number, 90, 90), size=(60, 40)))
    ended(folder, "ingest", folder / "album")
    ended(folder, "backup", folder / "backup")
    return folder / "backup"


@pytest.fixture(scope="module")
def library(tmp_path_factory, backup):
    """Returns the folder of a library of the pictures of the backup, which no test changes."""
    folder = tmp_path_factory.mktemp("library")
    ended(folder, "restore", backup)
    return folder


@pytest.fixture
def restored(tmp_path, library):
    """Returns the folder of a library of the pictures of the backup, whose thumbnails are all cut short, long ago."""
    shutil.copytree(library / "data", tmp_path / "data")
    for path in tmp_path.rglob("*.thumb.jpg"):
        path.write_bytes(path.read_bytes()[:-9])
    for path in tmp_path.rglob("images/*/*.*"):
        os.utime(path, (0, 0))
    return tmp_path


def environment(folder):
    settings = {"DATA_DIR": str(folder / "data"), "CLIP_MODEL": "small", "CLIP_DEVICE": "cpu", "MILVUS_URI": ""}
    return os.environ | settings


def ended(folder, *arguments, codes=(0,)):
    program = run_program(arguments, ROOT, environment(folder))
    assert program.returncode in codes, program.stderr
    return program


def slowly(seconds):
    """Returns the program with a pause in each of its steps, which a restore takes eight at a time."""
    return "-c", SLOWLY.replace("SECONDS", str(seconds))


def begun(folder, *arguments, pause=0.02):
    command = [*slowly(pause), *map(str, arguments)]
    return ForkedProgram(command, ROOT, environment(folder), folder / "out", folder / "err")


def sent(folder, *arguments):
    """Returns a command under way that goes through the app."""
    command = [sys.executable, "app.py", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment(folder), stdout=pipe, stderr=pipe, text=True)


def served(folder, pause=0.02):
    return ForkedServer(folder, slowly(pause)).wait()


def stored(folder):
    return LocalImageStore(folder / "data" / "images").count()


def whole_thumbnails(folder):
    return sum(path.read_bytes().endswith(b"\xff\xd9") for path in folder.rglob("*.thumb.jpg"))


def check_whole(folder):
    for path in folder.rglob("*.partial"):
        os.utime(path, (0, 0))  # older than any write that may be in hand
    assert stored(folder) == PICTURES
    assert "all is well" in ended(folder, "doctor").stdout  # as many rows as pictures
    assert not list(folder.rglob("*.partial"))


def test_a_signal_ends_a_restore_in_order(tmp_path, backup):
    running = begun(tmp_path, "restore", backup, pause=0.1)
    until(lambda: stored(tmp_path))
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 130
    assert "run the same command again for the rest" in (tmp_path / "err").read_text()
    ended(tmp_path, "restore", backup)
    check_whole(tmp_path)


def test_a_signal_ends_a_repair_in_order(restored):
    running = begun(restored, "doctor", "--fix", "--yes")
    until(lambda: whole_thumbnails(restored))
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 130
    assert "doctor --fix does the rest" in (restored / "err").read_text()
    assert whole_thumbnails(restored) < PICTURES
    ended(restored, "doctor", "--fix", "--yes")
    check_whole(restored)


def test_a_signal_ends_a_restore_in_the_app_in_order(tmp_path, backup):
    app = served(tmp_path, pause=0.1)
    running = sent(tmp_path, "restore", backup)
    until(lambda: stored(tmp_path))
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 130 and "run the same command again" in running.stderr.read()
    assert ended(tmp_path, "restore", backup).returncode == 0
    app.stop()
    check_whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_app_during_a_restore_costs_nothing(tmp_path, backup, number):
    app = served(tmp_path, pause=0.1)
    running = sent(tmp_path, "restore", backup)
    until(lambda: stored(tmp_path))
    app.process.send_signal(number)
    assert running.wait(60) == 3 and "run the command again" in running.stderr.read()
    app.process.wait(30)
    ended(tmp_path, "restore", backup)
    check_whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_app_during_a_repair_costs_nothing(restored, number):
    app = served(restored)
    running = sent(restored, "doctor", "--fix", "--yes")
    until(lambda: whole_thumbnails(restored))
    app.process.send_signal(number)
    assert running.wait(60) == 3 and "run the command again" in running.stderr.read()
    app.process.wait(30)
    ended(restored, "doctor", "--fix", "--yes")
    check_whole(restored)


def test_two_repairs_at_once_put_right_what_one_would(restored):
    records = sorted(restored.rglob("images/*/*.json"))
    for path in records[:20]:
        path.unlink()
        path.mkdir()
    app = served(restored)
    with ThreadPoolExecutor(2) as pool:
        running = list(pool.map(lambda _: ended(restored, "doctor", "--fix", "--yes"), range(2)))
    assert all("all is well" in each.stdout for each in running)
    app.stop()
    check_whole(restored)
