"""The app as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Server:
    """`python app.py` on a free port."""

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
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                cwd=ROOT,
                env={**os.environ, **settings, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> "Server":
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(self.url, timeout=5).read()
            except OSError:
                time.sleep(0.2)
            else:
                return self
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
