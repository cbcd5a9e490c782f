"""Forwards connections from listeners made outside a network namespace to ports inside, where it runs."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import struct
import sys
from functools import partial
from pathlib import Path


async def relay(*routes: str) -> None:
    """Serves each `listener fd:port` until the test process closes our stdin or dies, then ends all connections."""
    loopback_up()
    for fd, port in (map(int, route.split(":")) for route in routes):
        await asyncio.start_server(partial(forward, port), sock=socket.socket(fileno=fd))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    kill_the_rest_of_the_namespace()
    os._exit(0)


def loopback_up() -> None:
    set_interface_flags, up_and_running = 0x8914, 0x41
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, set_interface_flags, struct.pack("16sH22x", b"lo", up_and_running))


async def forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()  # the server is down, and a client should learn it at once
    else:
        await asyncio.gather(pump(reader, to_server), pump(from_server, writer))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def kill_the_rest_of_the_namespace() -> None:
    ours = Path("/proc/self/ns/net").stat().st_ino
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.name != str(os.getpid()) and (process / "ns" / "net").stat().st_ino == ours:
                os.kill(int(process.name), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
