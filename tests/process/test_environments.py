"""Runs the real program in odd environments: proxies, IPv6, terminals without Unicode, files in the way, full disks."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from testing.app_server import ROOT, ForkedServer
from testing.program import ForkedProgram, run_program
from testing.skipping import skip_or_fail

NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)


def program(home: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLIP_", "MILVUS_", "PYTHONIO"))}
    settings = {"DATA_DIR": str(home / "data"), "CLIP_MODEL": "small", "HOME": str(home)}
    command = [sys.executable, str(ROOT / "app.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=home, env=kept | settings | environment, capture_output=True, timeout=120)


def forked(home: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PATH": os.environ["PATH"], "DATA_DIR": "data", "CLIP_MODEL": "small"}
    return run_program(arguments, home, settings | environment)


@pytest.fixture(scope="module")
def home(tmp_path_factory, picture):
    """Makes a library with one picture, whose name and metadata no 8-bit encoding holds."""
    home = tmp_path_factory.mktemp("home")
    (home / "Zoë 색.png").write_bytes(picture("red"))
    added = forked(home, "ingest", "Zoë 색.png", "--metadata", "who=Zoë 색")
    assert added.returncode == 0 and "WARNING" not in added.stderr, added.stderr
    return home


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(**environment: str) -> ForkedServer:
        servers.append(ForkedServer(tmp_path, **environment))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def opened(server: ForkedServer) -> str:
    """Returns the log of a server once it has told where the page is."""
    server.wait()
    deadline = time.monotonic() + 60
    while " open http" not in server.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    return server.log.read_text()


def fill(file: Path) -> None:
    """Lets a file grow until its disk is full."""
    with file.open("wb", buffering=0) as growing, suppress(OSError):
        while True:
            growing.write(bytes(4096))


def test_with_proxies_set_the_page_opens_and_milvus_lite_answers(serve):
    server = serve(**PROXIES, no_grpc_proxy="example.org")
    assert f"open {server.url}/" in opened(server)
    with urllib.request.urlopen(f"{server.url}/gradio_api/health") as answer:
        assert json.load(answer)["state"] in ("ready", "loading")


def test_the_page_opens_at_an_address_of_ipv6(serve):
    if not socket.has_ipv6:
        skip_or_fail("this machine has no IPv6")
    server = serve(GRADIO_SERVER_NAME="::1", **PROXIES)
    server.url = server.url.replace("127.0.0.1", "[::1]")
    assert f"open {server.url}/" in opened(server)


@pytest.mark.parametrize(
    ("encoding", "arguments", "shown"),
    [
        ("ascii", ["search", "--where", "who=Zoë 색"], "Zo? ?.png"),
        ("cp1252", ["search", "red"], "Zo\N{REPLACEMENT CHARACTER} ?.png"),  # the output is read as UTF-8
    ],
)
def test_a_terminal_without_unicode_gets_replacements(home, encoding, arguments, shown):
    result = forked(home, *arguments, PYTHONIOENCODING=encoding)
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    assert shown in result.stdout


def test_under_the_locale_of_c_json_loses_nothing(home):
    result = program(
        home, "search", "--where", "who=Zoë 색", "--json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert (result.returncode, b"Traceback" in result.stderr) == (0, False), result.stderr
    assert r"Zo\u00eb \uc0c9" in result.stdout.decode("ascii")


def test_an_output_that_fills_the_disk_ends_in_one_sentence(home, tmp_path):
    settings = {"PATH": os.environ["PATH"], "DATA_DIR": "data", "CLIP_MODEL": "small"}
    full, said = Path("/dev/full"), tmp_path / "said"
    search = ForkedProgram(["app.py", "search", "red"], home, settings, full, said)
    assert search.wait(60) == 3
    assert said.read_text() == "The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"EDIT": "none"}, "There is no setting EDIT. Did you mean EDITS?"),
        ({"CLIP_OTHERS": "/nowhere"}, "CLIP_OTHERS=/nowhere: there is no such folder"),
        ({"IMAGE_STORE": "foo://x"}, "IMAGE_STORE=foo://x is not possible"),
        ({"GRADIO_SERVER_NAME": "192.0.2.1"}, "GRADIO_SERVER_NAME=192.0.2.1 is no address of this machine"),
    ],
)
def test_what_names_nothing_is_refused_at_the_start(tmp_path, environment, told):
    result = forked(tmp_path, **environment)
    said = result.stderr
    assert result.returncode == 2
    assert told in said.splitlines()[-1] and "Traceback" not in said
    assert "starting" not in said or "GRADIO_SERVER_NAME" in environment


def test_a_place_to_add_from_that_is_not_there_is_told_at_the_start(serve):
    assert "SOURCES_ALLOWED names /nonexist, which is not there" in opened(serve(SOURCES_ALLOWED="/nonexist"))


def test_a_full_disk_is_told_and_making_room_repairs_it(tmp_path, picture):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        skip_or_fail("no file system can be mounted here")
    try:
        (tmp_path / "photos").mkdir()
        for name in ("red", "green", "blue"):
            (tmp_path / "photos" / f"{name}.png").write_bytes(picture(name))
        ballast = disk / "ballast"
        fill(ballast)
        full = forked(tmp_path, "ingest", "photos", DATA_DIR=str(disk / "data"))
        said = full.stderr + full.stdout
        assert full.returncode and "full" in said and "Traceback" not in said
        ballast.unlink()
        again = forked(tmp_path, "ingest", "photos", DATA_DIR=str(disk / "data"))
        found = forked(tmp_path, "search", "red", DATA_DIR=str(disk / "data"))
        assert (again.returncode, found.returncode) == (0, 0), again.stderr
        assert len(found.stdout.splitlines()) == 3
    finally:
        subprocess.run(["umount", disk], check=True)
