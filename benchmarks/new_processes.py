"""Counts wrong answers to new processes on a Milvus server that other processes have just written to.

python -m benchmarks.new_processes [--trials 30] [--case searches]
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Annotated, Any

import typer

from benchmarks.backends import AS_DELIVERED, print_row
from testing.milvus_server import MilvusServer
from testing.pictures import samples
from testing.program import ForkedProgram, run_program

PICTURES = 60
ENDED_WITHIN = 120


@dataclass(frozen=True)
class SharedFolder:
    """Runs the program over one DATA_DIR and the server."""

    folder: Path
    uri: str
    data: str = "data"

    def of(self, data: str) -> "SharedFolder":
        return SharedFolder(self.folder, self.uri, data)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "CLIP_MODEL": "small",
            "DATA_DIR": str(self.folder / self.data),
            "MILVUS_URI": self.uri,
            "NO_COLOR": "1",
        }

    def run(self, *arguments: str) -> Any:
        """Returns what a command printed as JSON. Raises RuntimeError where it failed."""
        return json.loads(self.printed(*arguments, "--json"))

    def printed(self, *arguments: str) -> str:
        ended = self.ended(*arguments)
        if ended.returncode:
            raise RuntimeError(f"{arguments[0]}: {ended.stderr.strip()[-300:]}")
        return ended.stdout

    def ended(self, *arguments: str) -> CompletedProcess[str]:
        """Returns how a command ended, with what it printed."""
        return run_program(arguments, self.folder, self.environment, ENDED_WITHIN)

    def ingest(self) -> dict[str, int]:
        found: dict[str, int] = self.run("ingest", str(self.folder / "pictures"))
        return found

    def hits(self, limit: int = PICTURES) -> int:
        return len(self.run("search", "a red circle", "--limit", str(limit)))

    def killed_while_done(self) -> None:
        """Kills an ingest with SIGKILL after it has printed its result, before it closes."""
        out = self.folder / "killed.out"
        out.unlink(missing_ok=True)
        receipts = self.folder / "receipts.jsonl"
        receipts.unlink(missing_ok=True)
        command = ["app.py", "ingest", str(self.folder / "pictures"), "--receipt", str(receipts)]
        program = ForkedProgram(command, self.folder, self.environment, out)
        until = time.monotonic() + ENDED_WITHIN
        while time.monotonic() < until and program.poll() is None:
            if receipts.exists() and receipts.read_text().count("\n") >= PICTURES:
                break
            time.sleep(0.01)
        program.kill()
        program.wait(ENDED_WITHIN)


def searches(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.ingest()
    return _wrong("hits", place.hits(), PICTURES)


def imports_again(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.ingest()
    return _wrong("duplicates", place.ingest()["duplicate"], PICTURES)


def after_a_kill(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.killed_while_done()
    return [*_wrong("duplicates", place.ingest()["duplicate"], PICTURES), *_wrong("hits", place.hits(), PICTURES)]


def after_the_server_was_killed(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.ingest()
    server.restart()
    return [*_wrong("hits", place.hits(), PICTURES), *_wrong("duplicates", place.ingest()["duplicate"], PICTURES)]


def from_two_folders(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.ingest()
    other = place.of("other")
    other.ingest()
    return [*_wrong("hits of the second", other.hits(), PICTURES), *_wrong("hits of the first", place.hits(), PICTURES)]


def deletes(place: SharedFolder, server: MilvusServer) -> list[str]:
    place.ingest()
    first = place.run("search", "a red circle", "--limit", "1")[0]["content_id"]
    place.printed("delete", first)
    return _wrong("hits", place.hits(), PICTURES - 1)


Case = Callable[[SharedFolder, MilvusServer], list[str]]
CASES: dict[str, Case] = {
    each.__name__: each
    for each in (searches, imports_again, after_a_kill, after_the_server_was_killed, from_two_folders, deletes)
}


def main(
    trials: Annotated[int, typer.Option(help="How often each case is tried.")] = 30,
    case: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(CASES)}; else all.")] = None,
) -> None:
    print_row(["case", "trials", "wrong", "what was wrong"])
    print_row(["---", "---:", "---:", "---"])
    with tempfile.TemporaryDirectory() as folder, MilvusServer(Path(folder) / "server", AS_DELIVERED) as server:
        for name in case or CASES:
            wrong = [each for number in range(trials) if (each := tried(CASES[name], server, Path(folder), number))]
            print_row(
                [name.replace("_", " "), str(trials), str(len(wrong)), "; ".join(dict.fromkeys(wrong)) or "nothing"]
            )


def tried(case: Case, server: MilvusServer, folder: Path, number: int) -> str:
    with within(server, folder / f"{case.__name__}{number}") as place:
        try:
            return ", ".join(case(place, server))
        except RuntimeError as error:
            return str(error)


@contextmanager
def within(server: MilvusServer, folder: Path) -> Iterator[SharedFolder]:
    (folder / "pictures").mkdir(parents=True)
    for name, data in list(samples().items())[:PICTURES]:
        (folder / "pictures" / name).write_bytes(data)
    try:
        yield SharedFolder(folder, server.uri)
    finally:
        shutil.rmtree(folder)
        server.empty()


def _wrong(what: str, found: int, expected: int) -> list[str]:
    return [] if found == expected else [f"{found} {what} instead of {expected}"]


if __name__ == "__main__":
    typer.run(main)
