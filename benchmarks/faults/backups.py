"""Describes what is killed of backups and the doctor: a restore, and a repair of everything that can be broken."""

import os
import time
from pathlib import Path

from benchmarks.faults.commands import BroughtBack, Filled
from benchmarks.faults.ledger import OLD, Verdict, compare
from library.images import ContentId


class Restore(BroughtBack):
    name = "restore of a backup"
    begins = "library.backup.backups:Backups.restore"
    anew_every = 2

    def set_up(self) -> None:
        super().set_up()
        self.backup = self.place.folder / "backup"
        self.place.run("backup", str(self.backup))

    def arguments(self) -> list[str]:
        return ["restore", str(self.backup)]


class Repair(Filled):
    """Spoils each picture in one of five ways, and puts foreign files among them."""

    name = "doctor --fix"
    begins = "library.doctor.doctor:Doctor.repair"

    def prepare(self) -> None:
        ids = sorted(self.pictures)
        self.chance.shuffle(ids)
        for id in ids[0::5]:
            self._path(id, "json").unlink()
        for id in ids[1::5]:
            self._path(id, "json").write_text("{}")
        for id in ids[2::5]:
            thumbnail = self._path(id, "thumb.jpg")
            thumbnail.write_bytes(thumbnail.read_bytes()[:-20])
        for id in ids[3::5]:
            self._path(id, "json").unlink()
            self._path(id, "json").mkdir()
        with self.place.opened() as library:
            library.database.delete([library.record(id).img_path for id in ids[4::5]])
        (self.place.images / "notes.txt").write_text("of somebody else")
        make_abandoned(self.place.images)

    def arguments(self) -> list[str]:
        return ["doctor", "--fix", "--yes"]

    def recover(self) -> None:
        make_abandoned(self.place.images)
        self.place.run(*self.arguments())

    def verdict(self) -> Verdict:
        return compare(self.place, self.pictures)

    def _path(self, id: ContentId, ending: str) -> Path:
        return self.place.images / id[:2] / f"{id}.{ending}"


def make_abandoned(images: Path) -> None:
    """Makes all files older than any work that may be in hand."""
    moment = time.time() - OLD
    for path in images.rglob("*.*"):
        os.utime(path, (moment, moment))
