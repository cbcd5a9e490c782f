"""Serves a folder of Milvus Lite to this process alone: through a socket that no other user of the machine can open."""

import errno
import os
import shutil
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import grpc
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus.grpc_gen.milvus_pb2_grpc import add_MilvusServiceServicer_to_server

from library.messages import Message

FOLDER_OF_SOCKET = "likeness-index-"
SOCKET = "socket"
COMMON_PLACES = ("/tmp", "/var/tmp")
STARTS_WITHIN = 3600  # seconds, from the folder to its socket
THREADS = 10
LONGEST_ADDRESS = 103  # bytes of the path of a socket; Linux takes four more
LARGEST_MESSAGE = {"grpc.max_receive_message_length": 256 << 20, "grpc.max_send_message_length": 256 << 20}


class NoSocket(Exception):
    """Tells that the folder for temporary files takes no socket; its cause is an OSError."""


class LiteServer:
    """Keeps the index in `folder` open, and answers pymilvus at `address`, until it is closed.

    The server that pymilvus would start listens on a port of the loopback, where every user of the machine may read
    and delete. Raises what opening the folder raises, among others `milvus_lite.exceptions.DataDirLockedError`, and
    NoSocket.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(mode=0o700)
        self._index = MilvusLite(str(folder))
        try:
            self._socket_folder = _private_folder()
        except OSError as error:
            self._index.close()
            raise NoSocket from error
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=list(LARGEST_MESSAGE.items()))
        add_MilvusServiceServicer_to_server(MilvusServicer(self._index), self._server)
        try:
            self.address = self._listen()
        except RuntimeError as error:
            self._index.close()
            raise NoSocket from OSError(str(error))
        self._server.start()

    def _listen(self) -> str:
        if os.name == "nt":  # gRPC knows no other socket there
            return f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        address = f"unix:{quote(str(self._socket_folder / SOCKET))}"  # gRPC takes it for a URI
        self._server.add_insecure_port(address)
        return address

    def close(self) -> None:
        """Answers what was asked, closes the index, and removes the socket."""
        self._server.stop(grace=2).wait()
        self._index.close()
        shutil.rmtree(self._socket_folder, ignore_errors=True)


def _private_folder() -> Path:
    """Returns a new folder that only this user may enter, and removes those that killed processes left.

    It lies among the temporary files, since a socket's address ends after about a hundred characters.
    """
    place = _place_for_sockets()
    for left_behind in place.glob(f"{FOLDER_OF_SOCKET}*"):
        if _is_abandoned(left_behind):  # another user's cannot be entered
            shutil.rmtree(left_behind, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=FOLDER_OF_SOCKET, dir=place))


def _place_for_sockets() -> Path:
    """Returns the folder for temporary files, or a common one where its path can be no address. Raises OSError."""
    chosen = Path(tempfile.gettempdir())
    if os.name == "nt":
        return chosen
    for place in (chosen, *map(Path, COMMON_PLACES)):
        if _can_be_an_address(place) and os.access(place, os.W_OK | os.X_OK):
            return place
    if "," in str(chosen):
        raise OSError(errno.EINVAL, Message("system_comma"))
    if not _can_be_an_address(chosen):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return chosen  # where making a folder raises what is wrong with it


def _can_be_an_address(place: Path) -> bool:
    """Tells whether a socket below has a path that is short enough; gRPC takes one with a comma for two addresses."""
    longest = place / f"{FOLDER_OF_SOCKET}12345678" / SOCKET
    return len(os.fsencode(longest)) <= LONGEST_ADDRESS and "," not in str(place)


def _is_abandoned(folder: Path) -> bool:
    """Tells whether nobody listens at the socket of a folder; one that is not there may be about to be made."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    with suppress(OSError):
        if not (folder / SOCKET).exists():
            return time.time() - folder.stat().st_mtime > STARTS_WITHIN
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(folder / SOCKET))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
