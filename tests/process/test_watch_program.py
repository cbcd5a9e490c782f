"""Watches as processes do: the app that watches beside serving, and the command."""

import json
import os
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from testing.app_server import ForkedServer, Server
from testing.program import ForkedProgram, run_program
from testing.waiting import until


@pytest.fixture
def album(tmp_path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(folder / "data"), "CLIP_MODEL": "small", "MILVUS_URI": ""}


def watching(folder: Path, out: Path, *arguments: object) -> ForkedProgram:
    command = ["app.py", "watch", *map(str, arguments)]
    return ForkedProgram(command, folder, environment(folder), out, folder / "errors")


def first_line(out: Path) -> str:
    until(lambda: out.exists() and "\n" in out.read_text())
    return out.read_text()


def pictures(server: Server) -> int | None:
    event = httpx.post(f"{server.url}/gradio_api/call/status", json={"data": []}).json()["event_id"]
    answer = httpx.get(f"{server.url}/gradio_api/call/status/{event}", timeout=30).text
    return json.loads(answer.partition("data: ")[2].splitlines()[0])[0]["pictures"]


def test_the_app_watches_beside_serving_and_stops_in_order(tmp_path, album, picture):
    (album / "a.png").write_bytes(picture("red"))
    server = ForkedServer(tmp_path, ("app.py", "--watch", str(album), "--every", "60s", "--delete")).wait()
    until(lambda: pictures(server) == 1, seconds=60)
    (album / "b.png").write_bytes(picture("blue"))
    until(lambda: pictures(server) == 2)
    (album / "a.png").unlink()
    until(lambda: pictures(server) == 1)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0, server.log.read_text()
    assert f"watching {album}" in server.log.read_text() and "Traceback" not in server.log.read_text()


def test_the_command_tells_each_round_and_goes_on_after_a_kill(tmp_path, album, picture):
    (album / "a.png").write_bytes(picture("red"))
    (album / "b.png").write_bytes(picture("blue"))
    first = watching(tmp_path, tmp_path / "first", album, "--delete", "--json")
    told = json.loads(first_line(tmp_path / "first"))
    assert (told["source"], told["new"], told["deleted"]) == (str(album), 2, [])
    assert {file["path"] for file in told["files"]} == {str(album / "a.png"), str(album / "b.png")}
    first.kill()
    first.wait(10)

    (album / "a.png").unlink()
    second = watching(tmp_path, tmp_path / "second", album, "--delete")
    assert first_line(tmp_path / "second") == f"{album}: 0 new, 0 updated, 0 duplicate, 0 rejected, 1 deleted\n"
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0, (tmp_path / "errors").read_text()
    assert (tmp_path / "second").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["watch", "nowhere"], "nowhere is not there: a folder or a bucket"),
        (["--watch", "nowhere"], "nowhere is not there: a folder or a bucket"),
        (["watch", ".", "--every", "soon"], "--every 'soon' is not possible"),
        (["watch", "nope://x"], "no kind of store that is known here"),
        (["--watch", ".", "status"], "--watch goes with the page"),
        (["--delete"], "--every and --delete go with --watch"),
        (["watch"], "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(tmp_path, arguments, message):
    result = run_program(arguments, tmp_path, environment(tmp_path))
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr


def test_beside_another_program_on_lite_the_command_says_who_has_the_file(tmp_path, album):
    server = ForkedServer(tmp_path).wait()
    until((tmp_path / "data" / "milvus.db").exists)
    until((tmp_path / "data" / "app" / "socket").exists)
    shutil.rmtree(tmp_path / "data" / "app")  # as of a program that holds the file and takes no commands
    result = run_program(["watch", album], tmp_path, environment(tmp_path))
    server.stop()
    assert result.returncode == 3 and "in use by another process" in result.stderr
