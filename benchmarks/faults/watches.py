"""Describes watching, which is killed while pictures appear at and vanish from the folder that it watches."""

import shutil
import time

from benchmarks.faults.commands import Album, next_album
from benchmarks.faults.kills import Operation, begun
from benchmarks.faults.ledger import Verdict, compare
from benchmarks.faults.pictures import written
from benchmarks.faults.place import ENDED_WITHIN, Failed
from testing.program import ForkedProgram

PICTURES = 12
KEPT = 24  # pictures that stay in the folder from trial to trial


class Watch(Operation):
    """Watches a folder to which pictures are added and from which others are removed."""

    name = "watch --delete"
    begins = "library.ingest.watcher:Watcher.scan"

    def set_up(self) -> None:
        self.place.clear()
        self.folder = self.place.folder / "watched"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.pictures: Album = next_album(self.place, PICTURES)
        written(self.folder, self.pictures)

    def prepare(self) -> None:
        new = next_album(self.place, PICTURES)
        removed = list(self.pictures)[: max(0, len(self.pictures) + PICTURES - KEPT)] if self.trial else []
        for id in removed:
            (self.folder / f"{id[:12]}.png").unlink()
        self.pictures = {id: data for id, data in self.pictures.items() if id not in removed} | new
        written(self.folder, new)

    def arguments(self) -> list[str]:
        return ["watch", str(self.folder), "--every", "100ms", "--delete", "--json"]

    def recover(self) -> None:
        self.wait(begun(self))

    def wait(self, running: ForkedProgram) -> None:
        """Puts one more picture into the folder, and stops watching once it has been added, after all others."""
        last = next_album(self.place, 1)
        self.pictures |= last
        written(self.folder, last)
        until = time.monotonic() + ENDED_WITHIN
        store = self.place.open_store()
        while set(store.ids()) != set(self.pictures):
            if running.poll() is not None or time.monotonic() > until:
                running.kill()
                raise Failed(f"watch did not come to an end: {self.told()}")
            time.sleep(0.02)
        running.send_signal(15)
        if running.wait(ENDED_WITHIN):
            raise Failed(f"watch ended with {running.returncode}: {self.told()}")

    def verdict(self) -> Verdict:
        return compare(self.place, self.pictures)
