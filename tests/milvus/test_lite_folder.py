"""Holds that one library at a time has the folder of Milvus Lite, and that no other user of the machine reaches it."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from db.milvus.database import Milvus
from db.milvus.lite_server import FOLDER_OF_SOCKET, LiteServer
from library.errors import IndexUnavailable
from testing.skipping import skip_or_fail

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


def test_what_a_killed_process_left_is_removed_by_the_next(address, tmp_path):
    left_behind = Path(tempfile.mkdtemp(prefix=FOLDER_OF_SOCKET))
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(left_behind / "socket"))
    LiteServer(tmp_path / "other.db").close()
    assert not left_behind.exists() and address.is_socket()
