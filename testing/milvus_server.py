"""Runs a real Milvus server for tests: the PyPI package `milvus` in a network namespace, reached by a relay."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

RELAY = Path(__file__).with_name("namespace_relay.py")
GRPC_PORT, HEALTH_PORT = 19530, 9091  # inside the namespace, where nothing else can hold them

# What `unshare` needs here (root, else anyone through a user namespace), and `nsenter` to follow.
NAMESPACES = {
    ("--net", "--mount"): ("--net", "--mount"),
    ("--net", "--mount", "--map-root-user"): ("--net", "--mount", "--user", "--preserve-credentials"),
}
# The server writes its pid to /run/milvus and its id to /tmp/milvus, wherever it is told to keep its data.
HIDE = "mkdir -p /tmp/milvus && mount -t tmpfs tmpfs /tmp/milvus && mount -t tmpfs tmpfs /run"
INSIDE = ("sh", "-c", f'{HIDE} && exec "$@"', "sh")

# Shorter rounds of the server; the ttl is how long a restart waits for a killed server's lease.
SETTINGS = {
    "log.level": "warn",
    "common.session.ttl": 10,
    "common.gracefulStopTimeout": 5,
    "proxy.timeTickInterval": 100,
    "queryCoord.checkInterval": 200,
    "queryCoord.checkSegmentInterval": 200,
    "queryCoord.checkChannelInterval": 200,
    "queryCoord.distPullInterval": 200,
    "queryCoord.leaderViewUpdateInterval": 1,
    "queryCoord.UpdateNextTargetInterval": 1,
}


class MilvusServer:
    """Runs one server over one data folder; after `kill` or `terminate`, `start` brings it back at its uri."""

    def __init__(self, data_dir: Path, settings: Mapping[str, object] = SETTINGS) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = settings
        self.log = self.data_dir / "server.log"
        self._ports = (0, 0)
        self._enter: list[str] = []
        self._relay: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @staticmethod
    def unavailable() -> str | None:
        """Returns why a server can't run here, for `pytest.skip`; None when it can."""
        if sys.platform != "linux":
            return "the Milvus server needs Linux"
        if importlib.util.find_spec("milvus") is None:
            return "no Milvus server here: pip install milvus==2.3.5"
        if not (shutil.which("unshare") and shutil.which("nsenter")):
            return "the Milvus server needs unshare and nsenter, from util-linux"
        if _namespace() is None:
            return "the Milvus server needs network and mount namespaces, which unshare may not make here"
        return None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def pids(self) -> list[int]:
        """Returns the processes of the relay and, while it runs, of the server."""
        return [process.pid for process in (self._relay, self._server) if process and process.poll() is None]

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self, timeout: float = 120) -> Self:
        if self._relay is None:
            self._start_relay()
        binaries = _unpacked() / "bin"
        _configure(self.data_dir, self._settings)
        command = [*self._enter, "env", f"--chdir={self.data_dir}", f"{binaries}/milvus", "run", "standalone"]
        environment = {
            "PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": str(binaries),
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(HEALTH_PORT),
        }
        with self.log.open("wb") as log:
            self._server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        self._wait_until_healthy(self._server, timeout)
        return self

    def kill(self) -> None:
        """Kills the server, as a crash would. The relay stays and closes every connection at once."""
        self._end(signal.SIGKILL, timeout=10)

    def freeze(self) -> None:
        """Freezes the server with SIGSTOP: it keeps its connections and answers nothing."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def terminate(self, timeout: float = 120) -> None:
        """Stops the server in order; 2.3.5 takes from 5 s to a minute over it."""
        self._end(signal.SIGTERM, timeout)

    def restart(self) -> Self:
        self.kill()
        return self.start()

    def empty(self) -> None:
        """Drops every collection, since loaded ones slow the next down, and starts a server that crashed."""
        from pymilvus import MilvusClient

        if not self.is_running:
            self.start()
        with contextlib.closing(MilvusClient(self.uri)) as client:
            for name in client.list_collections():
                for alias in client.list_aliases(name)["aliases"]:
                    client.drop_alias(alias)
                client.drop_collection(name)

    def stop(self) -> None:
        self.kill()
        if self._relay is not None:
            self._relay.communicate()
            self._relay = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_relay(self) -> None:
        flags = _namespace()
        if flags is None:
            raise RuntimeError(self.unavailable())
        # A socket stays in the namespace it was made in: the relay moves, and these go on listening here.
        with socket.create_server(("127.0.0.1", 0)) as grpc, socket.create_server(("127.0.0.1", 0)) as health:
            self._ports = (grpc.getsockname()[1], health.getsockname()[1])
            routes = {grpc.fileno(): GRPC_PORT, health.fileno(): HEALTH_PORT}
            relay = subprocess.Popen(
                ["unshare", *flags, *INSIDE, sys.executable, RELAY, *(f"{a}:{b}" for a, b in routes.items())],
                pass_fds=list(routes),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        if not (relay.stdout and relay.stdout.readline()):
            raise RuntimeError(f"the relay to the Milvus server ended with code {relay.wait()}")
        self._relay = relay
        self._enter = ["nsenter", f"--target={relay.pid}", *NAMESPACES[flags]]

    def _wait_until_healthy(self, server: subprocess.Popen[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not _healthy(self._ports[1]):
            if (code := server.poll()) is not None or time.monotonic() > deadline:
                self.stop()
                what = f"was not healthy after {timeout:.0f} s" if code is None else f"ended with code {code}"
                end = self.log.read_text(errors="replace").split("\ngoroutine ")[0][-3000:]
                raise RuntimeError(f"the Milvus server {what}; the end of {self.log}:\n{end}")
            time.sleep(0.1)

    def _end(self, how: signal.Signals, timeout: float) -> None:
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(timeout)
            self._server = None


class SharedMilvus:
    """Starts a server for the first test that needs one; it stops before the first that does not."""

    def __init__(self) -> None:
        self._server: MilvusServer | None = None

    def running(self, data_dir: Path) -> MilvusServer:
        """Returns the running server without collections, and starts one in `data_dir` where none runs."""
        if self._server is None:
            self._server = MilvusServer(data_dir).start()
        else:
            self._server.empty()
        return self._server

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


def _namespace() -> tuple[str, ...] | None:
    for flags in NAMESPACES:
        if subprocess.run(["unshare", *flags, *INSIDE, "true"], capture_output=True).returncode == 0:
            return flags
    return None


def _unpacked() -> Path:
    """Returns the server's 246 MB of binaries, unpacked once per user and version and shared by every run."""
    milvus = importlib.import_module("milvus")
    folder = Path(tempfile.gettempdir()) / f"milvus-server-{milvus.__version__}-{os.getuid()}"
    if not (folder / "bin" / "milvus").exists():
        fresh = Path(tempfile.mkdtemp(prefix="milvus-server-", dir=folder.parent))
        milvus._initialize_data_files(fresh)
        try:
            fresh.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    if folder.lstat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} belongs to another user: set TMPDIR to a folder of your own")
    return folder


def _configure(data_dir: Path, settings: Mapping[str, object]) -> None:
    config = importlib.import_module("milvus").MilvusServerConfig(data_dir=str(data_dir))
    config.resolve_storage()
    config.write_config()
    with (data_dir / "configs" / "milvus.yaml").open("a") as file:
        file.writelines(f"\n{name}: {value}" for name, value in settings.items())


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False
