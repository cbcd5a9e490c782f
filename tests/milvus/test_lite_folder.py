"""Holds that one library at a time has the folder of Milvus Lite, and that no other user of the machine reaches it."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from db.milvus import lite_server
from db.milvus.database import Milvus
from db.milvus.lite_server import FOLDER_OF_SOCKET, LiteServer
from library.errors import IndexUnavailable
from testing.pictures import record, unit_vectors
from testing.skipping import skip_or_fail
from tests.milvus.test_collection import DIM, encoder

LISTENING = "0A"  # in the tables of /proc/net


def test_a_folder_that_this_program_has_open_is_refused_until_it_is_closed(tmp_path):
    first, second = (Milvus(tmp_path / "milvus.db") for _ in range(2))
    assert first.stored() == []
    with pytest.raises(IndexUnavailable, match="by a library opened before in this program"):
        second.stored()
    second.close()  # ends nothing of the first
    assert first.stored() == []
    first.close()
    assert second.stored() == []
    second.close()


@pytest.fixture
def address(tmp_path):
    """Returns the path of the socket at which a folder of Milvus Lite is served."""
    server = LiteServer(tmp_path / "milvus.db")
    yield Path(server.address.removeprefix("unix:"))
    server.close()


def test_it_is_served_at_a_socket_of_its_owner_and_at_no_port(address):
    assert address.is_socket() and address.parent.stat().st_mode & 0o077 == 0
    ours = {os.stat(f"/proc/self/fd/{number}").st_ino for number in os.listdir("/proc/self/fd") if is_open(number)}
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]]
        assert [row for row in rows if row[3] == LISTENING and int(row[9]) in ours] == []


def is_open(number):
    return os.path.exists(f"/proc/self/fd/{number}")


@pytest.mark.process
def test_another_user_of_the_machine_cannot_reach_the_index(address):
    if os.getuid() != 0:
        skip_or_fail("only root can try it as another user")
    knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    own = subprocess.run([sys.executable, "-c", knock, address], capture_output=True, text=True)
    assert own.returncode == 0
    other = subprocess.run(["/usr/bin/python3", "-c", knock, address], capture_output=True, text=True, user="nobody")
    assert "PermissionError" in other.stderr


def test_where_no_socket_can_be_made_it_is_said_and_the_folder_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(lite_server, "COMMON_PLACES", ())
    monkeypatch.setattr(tempfile, "tempdir", "/not there")
    milvus = Milvus(tmp_path / "milvus.db")
    with pytest.raises(IndexUnavailable, match=r"a socket in .*not there, where none can be made: No such file"):
        milvus.stored()
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(IndexUnavailable, match=r"File name too long\. .* a folder with a short path"):
        milvus.stored()
    assert not list(long.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert milvus.stored() == []
    milvus.close()


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "a%20b", "写"])
def test_the_folder_for_temporary_files_may_be_called_anything(tmp_path, monkeypatch, name):
    monkeypatch.setattr(lite_server, "COMMON_PLACES", ())
    with tempfile.TemporaryDirectory(prefix=name) as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        milvus = Milvus(tmp_path / "milvus.db")
        assert milvus.stored() == []
        milvus.close()


@pytest.mark.parametrize("name", ["x" * 100, "a,b", "not there"])
def test_where_that_folder_takes_no_socket_a_common_one_does(tmp_path, monkeypatch, name):
    if name != "not there":
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    milvus = Milvus(tmp_path / "milvus.db")
    assert milvus.stored() == []
    milvus.close()


def test_a_comma_in_the_name_of_the_folder_for_temporary_files_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(lite_server, "COMMON_PLACES", ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a,b"))
    with pytest.raises(IndexUnavailable, match="a,b, where none can be made: its name has a comma"):
        Milvus(tmp_path / "milvus.db").stored()


def test_what_a_killed_process_left_is_removed_by_the_next(address, tmp_path):
    left_behind = Path(tempfile.mkdtemp(prefix=FOLDER_OF_SOCKET))
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(left_behind / "socket"))
    begun, never_begun = (Path(tempfile.mkdtemp(prefix=FOLDER_OF_SOCKET)) for _ in range(2))
    os.utime(never_begun, (0, 0))
    LiteServer(tmp_path / "other.db").close()
    assert not left_behind.exists() and address.is_socket()
    assert begun.exists() and not never_begun.exists()
    begun.rmdir()


def test_the_rows_are_readable_to_their_owner_alone(address, tmp_path):
    assert stat.S_IMODE((tmp_path / "milvus.db").stat().st_mode) == 0o700


def test_a_damaged_folder_is_called_that_and_told_how_to_be_made_anew(tmp_path, caplog):
    model = encoder()
    whole = Milvus(tmp_path / "whole.db")
    whole.collection(model).upsert([record(1), record(2)], unit_vectors(2, DIM))
    whole.close()
    noise = bytes([0x86, 0xFF, 0]) * 50
    for pattern, kept in (
        ("schema.json", 5),
        ("manifest.json*", 5),
        ("*.parquet", 300),
        ("*.idx", 50),
        ("*.json", noise),
    ):
        folder = Path(shutil.copytree(tmp_path / "whole.db", tmp_path / pattern.strip("*.") / "milvus.db"))
        for path in folder.rglob(pattern):
            path.write_bytes(path.read_bytes()[:kept] if isinstance(kept, int) else kept)
        damaged = Milvus(folder)
        with pytest.raises(IndexUnavailable) as refused, damaged.collection(model).loaded() as index:
            index.search(unit_vectors(1, DIM)[0], limit=1, nprobe=None, exact=False)
        assert str(refused.value) == (
            "The index milvus.db is damaged and cannot be read. Stop the app, move milvus.db elsewhere and run"
            " `python app.py reindex`: the pictures are safe, and the index is made anew from them."
        ), pattern
        damaged.connection.close()
    assert not any(each.name.startswith("db") for each in caplog.records)
