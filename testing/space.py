"""Runs the app as a Hugging Face Space does: only from the uploaded files, which it cannot write, as another user."""

import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml  # type: ignore[import-untyped]

from testing.app_server import ROOT, Server
from testing.pages import blocks, read

SUBSTITUTE = Path(__file__).parent / "zerogpu"
NOBODY = 65534
NO_HUB = "http://127.0.0.1:9"
# Root's own Python may lie where others cannot look: this user may read everything and write nothing.
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"),
)


def front_matter() -> dict[str, Any]:
    return yaml.safe_load(read("README.md").split("---\n")[1])


def shown_commands() -> list[list[str]]:
    """Returns each `hf` command that the page about Spaces shows, as a list of its words."""
    text = "\n".join(blocks("sh", ROOT / "docs" / "hugging-face-space.md"))
    return [shlex.split(line) for line in text.replace("\\\n", "").splitlines() if line]


def parsed(command: list[str]) -> dict[str, Any]:
    """Returns a command as the hub's own command line understands it. Raises click.UsageError."""
    from huggingface_hub.cli.hf import app

    found: Any = app
    words = command[1:]
    while hasattr(found, "commands"):
        _, found, words = found.resolve_command(click.Context(found), words)
    return found.make_context(found.name, words).params


def uploaded(paths: Iterable[str]) -> set[str]:
    """Returns those of the files that the shown command sends."""
    from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

    [upload] = [command for command in shown_commands() if command[1] == "upload"]
    return set(filter_repo_objects(paths, ignore_patterns=parsed(upload)["exclude"]))


def lay_out(folder: Path) -> None:
    """Copies the files that are uploaded into a folder that cannot be written, as on a Space."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in uploaded(tracked.stdout.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def others_reach(path: Path) -> bool:
    """Returns whether other users can enter the folders above a path; Gradio's renderer answers 404 where not."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


class Space(Server):
    """Runs `python app.py` as a Space on ZeroGPU does, with a substitute for the package `spaces`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.code, self.scratch, self.log = folder / "app", folder / "tmp", folder / "log"
        self._notes = self.scratch / "notes"
        self.scratch.mkdir()
        lay_out(self.code)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command: list[str] = [sys.executable, "app.py"]
        if os.getuid() == 0:
            os.chown(self.scratch, NOBODY, NOBODY)
            command = [*AS_NOBODY, *command]
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": "",
            "TMPDIR": str(self.scratch),
            "PYTHONPATH": str(SUBSTITUTE),
            "SPACE_ID": "someone/likeness",
            "SPACES_ZERO_GPU": "true",
            "SPACES_NOTES": str(self._notes),
            "GRADIO_SSR_MODE": "True",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "HF_ENDPOINT": NO_HUB,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.code,
                env={**settings, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def notes(self) -> list[Mapping[str, Any]]:
        """Returns the calls that the substitute for ZeroGPU's package received."""
        return [json.loads(line) for line in self._notes.read_text().splitlines()] if self._notes.exists() else []

    @property
    def user(self) -> int:
        [line] = [line for line in self._proc("status").splitlines() if line.startswith("Uid:")]
        return int(line.split()[1])

    @property
    def children(self) -> list[str]:
        """Returns the command lines of the processes that the app started."""
        pids = self._proc(f"task/{self.process.pid}/children").split()
        return [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in pids]

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()
