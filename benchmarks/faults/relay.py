"""Passes connections on to a service, and breaks some of them: cuts them, slows them down, answers them with 500."""

import random
import socket
import threading
import time
from contextlib import suppress
from typing import Literal

Trouble = Literal["500", "slow", "cut"]

CHUNK = 4096
SLOW = 0.05  # seconds a chunk
CUT_WITHIN = 12_000  # bytes
ANSWER = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nContent-Length: 71\r\n"
    b"Connection: close\r\n\r\n"
    b"<Error><Code>InternalError</Code><Message>broken here</Message></Error>"
)


class Relay:
    """Listens on a free port; `trouble` breaks connections from now on, with the probability `share`."""

    def __init__(self, target: tuple[str, int], chance: random.Random) -> None:
        self.trouble: Trouble | None = None
        self.share = 0.0
        self._target = target
        self._chance = chance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        trouble = self.trouble if self._chance.random() < self.share else None
        with client, suppress(OSError):
            if trouble == "500":
                client.recv(1 << 16)
                client.sendall(ANSWER)
                client.shutdown(socket.SHUT_WR)
                _drain(client)
                return
            with socket.create_connection(self._target) as service:
                most = self._chance.randrange(CUT_WITHIN) if trouble == "cut" else None
                pump = Pump(client, service, most, SLOW if trouble == "slow" else 0.0)
                pump.run()


class Pump:
    """Passes bytes both ways until one side ends, or the given number has been passed."""

    def __init__(self, client: socket.socket, service: socket.socket, most: int | None, pause: float) -> None:
        self._ends = (client, service)
        self._left = most
        self._pause = pause

    def run(self) -> None:
        answers = threading.Thread(target=self._pass, args=self._ends[::-1], daemon=True)
        answers.start()
        self._pass(*self._ends)
        answers.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                time.sleep(self._pause)
                if self._left is not None:
                    data, self._left = data[: self._left], max(0, self._left - len(data))
                target.sendall(data)
                if self._left == 0:
                    break
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _drain(client: socket.socket) -> None:
    client.settimeout(1)
    while client.recv(1 << 16):
        pass
