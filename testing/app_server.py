"""Serves the app from a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from testing.program import ROOT, ForkedProgram


class Server:
    """Runs `python app.py` on a free port."""

    def __init__(self, folder: Path, program: Sequence[str] = ("app.py",), **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        settings = {
            "CLIP_MODEL": "small",
            "CLIP_DEVICE": "cpu",
            "DATA_DIR": str(folder / "data"),
            "EDITS": "all",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(folder / "uploads"),
            "MILVUS_URI": "",
        }
        self.process = self._start(program, {**os.environ, **settings, **environment})

    def _start(self, program: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[bytes] | ForkedProgram":
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *program], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> "Server":
        """Returns once the page is there; an app that never answers, or nobody waits for any more, is ended."""
        try:
            self._wait()
        except BaseException:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            raise
        return self

    def _wait(self) -> None:
        for _ in range(1200):
            assert self.process.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(self.url, timeout=5).read()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class ForkedServer(Server):
    """Runs `python app.py` from a process that has imported everything already."""

    def _start(self, program: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[bytes] | ForkedProgram":
        self.log.write_bytes(b"")
        return ForkedProgram(program, ROOT, environment, self.log)
