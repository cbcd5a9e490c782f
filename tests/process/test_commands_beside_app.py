"""Runs commands beside an app that has the library open in Milvus Lite: they go through it."""

import json
import os
import pty
import shlex
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from library.samples.pictures import sample_pictures
from testing.app_server import ROOT, ForkedServer
from testing.skipping import skip_or_fail
from testing.waiting import until

IMPORTS = """
import json, os, sys
end = os._exit
def tell(code):
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
    end(code)
os._exit = tell
import app
app.main()
"""


BEFORE_APP = """
import app
app.send_to_app = lambda argv: None
app.main()
"""


@pytest.fixture(scope="module")
def folder(libraries, tmp_path_factory):
    return libraries.copy(libraries.samples(), tmp_path_factory.mktemp("beside")).parent


@pytest.fixture(scope="module")
def app(folder):
    server = ForkedServer(folder).wait()
    yield server
    server.stop()


def environment(folder, **changed):
    settings = {"DATA_DIR": str(folder / "data"), "CLIP_MODEL": "small", "CLIP_DEVICE": "cpu", "MILVUS_URI": ""}
    return {**os.environ, **settings, **changed}


def run(folder, *arguments, cwd=ROOT, program=(str(ROOT / "app.py"),), typed=None, **changed):
    return subprocess.run(
        [sys.executable, *program, *map(str, arguments)],
        cwd=cwd,
        env=environment(folder, **changed),
        input=typed,
        stdin=None if typed is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def lines(program):
    return program.stdout.splitlines()


def test_a_search_goes_through_the_app_and_imports_nothing_but_the_client(app, folder):
    done = run(folder, "search", "a red circle", "--json", program=("-c", IMPORTS), PYTHONPATH=str(ROOT))
    assert done.returncode == 0 and len(json.loads(done.stdout)) == 10
    imported = set(json.loads(done.stderr.splitlines()[-1]))
    assert not imported & {"torch", "transformers", "gradio", "pymilvus", "typer", "rich", "pydantic", "numpy"}


@pytest.mark.parametrize("command", [["status"], ["collections"], ["trash", "list"], ["doctor"], ["duplicates"]])
def test_every_command_works_beside_the_app(app, folder, command):
    done = run(folder, *command)
    assert done.returncode in (0, 1) and done.stdout and not done.stderr.strip()


@pytest.mark.parametrize("command", [["status"], ["collections"], ["search", "a red circle"]])
def test_a_command_that_began_before_the_app_had_the_library_goes_through_it_then(app, folder, command):
    done = run(folder, *command, program=("-c", BEFORE_APP), PYTHONPATH=str(ROOT))
    assert done.returncode == 0 and done.stdout and not done.stderr.strip()


def test_relative_paths_are_those_of_the_terminal(app, folder, tmp_path):
    (tmp_path / "a.png").write_bytes(next(iter(sample_pictures(1)))[1])
    assert run(folder, "ingest", "a.png", "--receipt", "receipt.csv", cwd=tmp_path).returncode == 0
    assert (tmp_path / "receipt.csv").read_text().count("a.png") == 1
    found = run(folder, "search", "--image", "a.png^1", "--out", "found.json", cwd=tmp_path)
    assert found.returncode == 0 and json.loads((tmp_path / "found.json").read_text())
    assert run(folder, "backup", "copy", cwd=tmp_path).returncode == 0
    assert (tmp_path / "copy" / "backup.json").is_file()


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("", 1), ("what\ny\n", 0)])
def test_a_question_is_asked_at_the_terminal(app, folder, answer, code):
    first = lines(run(folder, "search", "--limit", "1"))[0].split()[0]
    assert run(folder, "delete", first).returncode == 0
    done = run(folder, "trash", "empty", typed=answer)
    assert done.returncode == code and "for good (" in done.stdout + done.stderr
    assert ("Nothing was removed. Nobody is there to answer: give --yes" in done.stderr) == (answer == "")


@pytest.mark.parametrize(("command", "code"), [("trash empty <&-", 1), ("status >&-", 0), ("status 2>&-", 0)])
def test_a_command_with_a_closed_stream_goes_through_the_app(app, folder, command, code):
    first = lines(run(folder, "search", "--limit", "1"))[0].split()[0]
    assert run(folder, "delete", first).returncode == 0
    line = ["sh", "-c", f"exec {shlex.quote(sys.executable)} app.py {command}"]
    done = subprocess.run(line, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert run(folder, "trash", "restore", first).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_a_question_ends_the_command_with_nothing_done(app, folder, number):
    first = lines(run(folder, "search", "--limit", "1"))[0].split()[0]
    assert run(folder, "delete", first).returncode == 0
    asked = subprocess.Popen(
        [sys.executable, "app.py", "trash", "empty"],
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert asked.stdout.read(6) == b"Remove"
    asked.send_signal(number)
    _, said = asked.communicate(timeout=60)
    assert asked.returncode == 130 and b"Nothing was removed." in said
    assert run(folder, "trash", "restore", first).returncode == 0


def test_two_commands_run_at_once(app, folder):
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda text: run(folder, "search", text), ["red", "blue"]))
    assert [each.returncode for each in found] == [0, 0] and found[0].stdout != found[1].stdout


def test_a_setting_that_the_app_has_otherwise_is_not_passed_over(app, folder):
    done = run(folder, "search", "red", CLIP_MODEL="someone/else")
    assert done.returncode == 2 and "CLIP_MODEL=small" in done.stderr and "someone/else" in done.stderr


def test_what_the_app_computes_by_is_no_matter_of_the_command_unless_it_says_so(app, folder):
    assert run(folder, "search", "red", CLIP_MODEL="", CLIP_DEVICE="").returncode == 0
    done = run(folder, "search", "red", CLIP_ENGINE="torch")
    assert done.returncode == 2 and "CLIP_ENGINE=auto" in done.stderr


def test_a_command_line_that_nobody_understands_is_explained_by_the_command_itself(app, folder):
    done = run(folder, "search", "red", "--limitt", "3")
    assert done.returncode == 2 and "No such option" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_watch_in_the_app_in_order(app, folder, tmp_path, number):
    watch = subprocess.Popen(
        [sys.executable, "app.py", "watch", str(tmp_path), "--every", "100ms"],
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    (tmp_path / "a.png").write_bytes(next(iter(sample_pictures(1)))[1])
    assert watch.stdout.readline()
    watch.send_signal(number)
    assert watch.wait(60) == 0


def test_output_on_a_terminal_is_that_of_a_terminal(app, folder):
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "app.py", "ingest", str(ROOT / "docs")],
        cwd=ROOT,
        env=environment(folder, TERM="xterm"),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    done.wait(120)
    assert b"\x1b[" in os.read(ours, 100_000)
    os.close(theirs)
    os.close(ours)


def test_nobody_else_may_use_the_socket(app, folder):
    place = folder / "data" / "app"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE((place / name).stat().st_mode) for name in ("socket", "secret")} == {0o600}


def test_another_user_of_the_machine_cannot_reach_the_app(app, folder):
    if os.getuid() != 0:
        skip_or_fail("only root can try it as another user")
    knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    command = ["/usr/bin/python3", "-c", knock, str(folder / "data" / "app" / "socket")]
    other = subprocess.run(command, capture_output=True, text=True, user="nobody")
    assert "PermissionError" in other.stderr


def test_a_stranger_without_the_secret_learns_nothing(app, folder):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(folder / "data" / "app" / "socket"))
        stranger.sendall(b'{"secret": "guessed"}\n')
        assert stranger.recv(100) == b""


def test_the_end_of_the_app_is_told_in_a_sentence(folder, tmp_path):
    server = ForkedServer(tmp_path).wait()
    (tmp_path / "watched").mkdir()
    watch = subprocess.Popen(
        [sys.executable, "app.py", "watch", str(tmp_path / "watched"), "--every", "100ms"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    (tmp_path / "watched" / "a.png").write_bytes(next(iter(sample_pictures(1)))[1])
    assert watch.stdout.readline()
    server.stop()
    assert watch.wait(60) == 3 and "The app has stopped" in watch.stderr.read()


def test_beside_a_killed_app_a_command_works_on_its_own(tmp_path):
    server = ForkedServer(tmp_path).wait()
    until((tmp_path / "data" / "app" / "socket").exists)
    server.process.kill()
    server.process.wait(30)
    done = run(tmp_path, "search")
    assert done.returncode == 0 and (tmp_path / "data" / "app" / "socket").exists()
