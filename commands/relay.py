"""Says where the commands of a library meet the app that has it open, and how the two speak: in lines of JSON."""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = "app"  # below DATA_DIR; nobody but its owner may enter it
SOCKET, SECRET, IN_USE = "socket", "secret", "in-use.lock"
MOST_OF_A_PATH = 100  # bytes; systems take 104 or 108 for the address of a socket
MODELS = ("CLIP_MODEL", "CLIP_TEXT_MODEL")  # a name, or a folder


class Line:
    """Sends and receives objects on a connected socket. One thread may receive while others send."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._incoming = connected.makefile("rb")

    def send(self, **message: Any) -> None:
        """Sends an object. Raises OSError where nobody receives it."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """Returns the next object; None where the other side has gone, or says anything else."""
        try:
            found = json.loads(self._incoming.readline() or b"null")
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def wait_for_ever(self) -> None:
        """Waits for the other side as long as it takes from now on."""
        self._socket.settimeout(None)

    def close(self) -> None:
        """Ends the conversation, also for a thread that waits for the other side."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def address_of(folder: Path) -> str:
    """Returns the address of the socket in a folder, by another way where its path is too long for one.

    Raises OSError where there is no such way. The descriptor that it needs stays open as long as the process.
    """
    path = folder / SOCKET
    if len(os.fsencode(path)) <= MOST_OF_A_PATH:
        return str(path)
    if sys.platform != "linux":
        raise OSError("the path of DATA_DIR is too long for a socket")
    return f"/proc/self/fd/{os.open(folder, os.O_RDONLY)}/{SOCKET}"


def normal(name: str, value: str) -> str:
    """Returns the value of a setting as it compares with that of another process, which may run elsewhere."""
    is_path = name == "DATA_DIR" or (name == "IMAGE_STORE" and value and "://" not in value)
    if is_path or (name in MODELS and os.path.isdir(value)):
        return os.path.realpath(value)
    return value
