"""Describes the commands that are killed: ingest, import, reindex, delete, emptying the trash, and what rebuilds."""

import json
import os
import time
from itertools import islice

from benchmarks.faults.kills import Operation
from benchmarks.faults.ledger import Verdict, compare, compare_files, compare_rows, trashed
from benchmarks.faults.pictures import album, written
from benchmarks.faults.place import Place
from db.milvus.clusters import NlistRule
from library.images import ContentId
from library.ingest.receipts import FileReceipt
from testing.pictures import item

PICTURES = 24
ANEW_EVERY = 5  # trials: then the operation also makes the collection
LONG_AGO = time.time() - 600  # when a delete was begun that is no longer in hand
Album = dict[ContentId, bytes]


def next_album(place: Place, size: int = PICTURES) -> Album:
    """Returns pictures that no trial has used before."""
    return album(list(islice(place.numbers, size)))


class Filled(Operation):
    """Kills a command on a library that already holds pictures."""

    def set_up(self) -> None:
        self.pictures = next_album(self.place)
        self.place.clear()
        fill(self.place, self.pictures)


def fill(place: Place, pictures: Album, rule: NlistRule | None = None) -> None:
    """Adds pictures from this process, without a command."""
    with place.opened(rule) as library:
        receipts: list[FileReceipt] = list(library.add([item(f"{id[:12]}.png", data) for id, data in pictures.items()]))
    assert {receipt.status for receipt in receipts} <= {"new", "duplicate"}, receipts


class Ingest(Operation):
    name = "bulk ingest"
    begins = "library.ingest.importer:Importer.add"

    before: Album
    pictures: Album

    def set_up(self) -> None:
        self.place.clear()
        self.before, self.pictures = {}, {}

    def prepare(self) -> None:
        self.before = self.before | self.pictures
        if self.trial % ANEW_EVERY == 1:
            self.place.clear()
            self.before = {}
        self.pictures = next_album(self.place)
        self.folder = written(self.place.folder / f"album{self.trial}", self.pictures)
        self.receipts = self.place.folder / "receipts.jsonl"
        self.receipts.unlink(missing_ok=True)

    def arguments(self) -> list[str]:
        return ["ingest", str(self.folder), "--receipt", str(self.receipts), "--batch-size", "4"]

    def promised(self) -> Verdict:
        return kept_promises(self.place, self.before | self.pictures, self._reported())

    def recover(self) -> None:
        self.place.run("ingest", str(self.folder), "--receipt", str(self.receipts))

    def verdict(self) -> Verdict:
        return compare(self.place, self.before | self.pictures)

    def _reported(self) -> set[ContentId]:
        lines = self.receipts.read_text().splitlines(keepends=True) if self.receipts.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        return {ContentId(line["content_id"]) for line in whole if line["status"] in ("new", "duplicate")}


def kept_promises(place: Place, pictures: Album, reported: set[ContentId]) -> Verdict:
    """Compares the pictures that were reported as saved with the library, before anything is repeated."""
    promised = {id: pictures[id] for id in reported}
    if not promised:
        return Verdict()
    verdict = compare_files(place, promised, may_be=pictures.keys())
    rows = compare_rows(place, promised)
    return verdict + Verdict(rows.lost, 0, [what for what in rows.wrong if "missing" in what])


class BroughtBack(Filled):
    """Brings pictures back from a folder, into a library that has none any more or, now and then, a new one."""

    anew_every = ANEW_EVERY

    def prepare(self) -> None:
        if self.trial % self.anew_every == 1:
            self.place.clear()
            return
        with self.place.opened() as library:
            library.delete([record.content_id for record in library.browse(0, 2 * PICTURES)])
            library.trash.empty()

    def recover(self) -> None:
        self.place.run(*self.arguments())

    def verdict(self) -> Verdict:
        return compare(self.place, self.pictures)


class Import(BroughtBack):
    name = "import of a pack"
    begins = "library.ingest.pack_exchange:PackExchange.import_from"

    def set_up(self) -> None:
        super().set_up()
        self.pack = self.place.folder / "pack"
        self.place.run("export", str(self.pack), "--originals")

    def arguments(self) -> list[str]:
        return ["import", str(self.pack)]


class Reindex(Filled):
    name = "reindex"
    begins = "library.ingest.importer:Importer.reindex"

    def prepare(self) -> None:
        with self.place.opened() as library:
            for each in library.collections.stored():
                library.database.drop(each.name)

    def arguments(self) -> list[str]:
        return ["reindex"]

    def promised(self) -> Verdict:
        return compare_files(self.place, self.pictures)

    def recover(self) -> None:
        self.place.run("reindex")

    def verdict(self) -> Verdict:
        return compare(self.place, self.pictures)


class Rebuild(Filled):
    """Gives the index twice the clusters with every trial; after the most it begins with the fewest again."""

    name = "rebuild of the index"
    begins = "benchmarks.faults.rebuilding:Rebuilding.keep_up"
    first = "from benchmarks.faults.rebuilding import Rebuilding; Rebuilding.prepare()"
    clusters = range(4, 9)  # powers of two

    def set_up(self) -> None:
        self.pictures = next_album(self.place)
        self.power = self.clusters[-1]

    def prepare(self) -> None:
        self.power += 1
        if self.power not in self.clusters:
            self.power = self.clusters[0]
            self.place.clear()
            fill(self.place, self.pictures, NlistRule(2 ** (self.power - 1)))

    def arguments(self) -> list[str]:
        self.place.settings["NLIST"] = str(2**self.power)
        return ["reindex"]

    def promised(self) -> Verdict:
        return compare_files(self.place, self.pictures)

    def recover(self) -> None:
        self.wait(self.place.started(["-c", f"{self.first}; import app; app.main()", "reindex"], self.out))

    def verdict(self) -> Verdict:
        with self.place.opened() as library:
            nlist = library.database.collection(library.models.answering().info).handle.read_nlist()  # type: ignore[attr-defined]
        wrong = [] if nlist == 2**self.power else [f"{nlist} clusters instead of {2**self.power}"]
        return Verdict(wrong=wrong) + compare(self.place, self.pictures)


class Delete(Filled):
    """Deletes half of the pictures, into a trash that keeps them or, every other trial, for good."""

    name = "delete"
    begins = "library.contents.pictures:Pictures.delete"

    def prepare(self) -> None:
        self.place.settings["TRASH_DAYS"] = "30" if self.trial % 2 else "0"
        ids = self.chance.sample(sorted(self.pictures), PICTURES // 2)
        self.going = {id: self.pictures[id] for id in ids}
        self.staying = {id: data for id, data in self.pictures.items() if id not in self.going}
        if self.trial == 0:
            return
        bring_back(self.place, self.pictures)

    def arguments(self) -> list[str]:
        return ["delete", *self.going]

    def promised(self) -> Verdict:
        return compare_files(self.place, self.staying, self.going.keys())

    def recover(self) -> None:
        """Lets the sweep of the next command finish what was begun; every third time the delete is repeated first."""
        self.is_repeated = self.trial % 3 == 0
        with self.place.opened() as library:
            left = [id for id in self.going if library.pictures.stored([id])]
        if self.is_repeated and left:
            self.place.run("delete", *left)
        make_old(self.place)
        self.place.run("trash", "list")

    def verdict(self) -> Verdict:
        with self.place.opened() as library:
            still = {id: data for id, data in self.going.items() if library.pictures.stored([id])}
            listed = {each.record.content_id for each in library.trash.pictures(0, 2 * PICTURES)}
        gone = set(self.going) - set(still)
        kept = gone if self.place.settings["TRASH_DAYS"] == "30" else set()
        wrong = [f"{len(gone)} deleted, {len(listed)} in the trash"] if listed != kept else []
        wrong += ["an original is left"] if trashed(self.place) != kept else []
        wrong += ["not deleted"] if self.is_repeated and still else []
        return Verdict(len(kept - listed), 0, wrong) + compare(self.place, self.staying | still)


def make_old(place: Place) -> None:
    """Makes entries of the trash older than any delete that may be in hand."""
    for path in place.images.rglob("*.trash"):
        moment = min(LONG_AGO, path.stat().st_mtime)
        os.utime(path, (moment, moment))


def bring_back(place: Place, pictures: Album) -> None:
    """Restores what is in the trash, and adds what is gone."""
    with place.opened() as library:
        library.trash.restore([each.record.content_id for each in library.trash.pictures(0, 2 * PICTURES)])
    fill(place, pictures)


class EmptyTrash(Delete):
    name = "emptying the trash"
    begins = "library.trash.trash:Trash.empty"

    def prepare(self) -> None:
        super().prepare()
        self.place.settings["TRASH_DAYS"] = "30"
        with self.place.opened() as library:
            library.delete(list(self.going))

    def arguments(self) -> list[str]:
        return ["trash", "empty", "--yes"]

    def promised(self) -> Verdict:
        return compare_files(self.place, self.staying)

    def recover(self) -> None:
        self.is_repeated = self.trial % 3 == 0
        self.place.run(*(self.arguments() if self.is_repeated else ["trash", "list"]))

    def verdict(self) -> Verdict:
        with self.place.opened() as library:
            listed = {each.record.content_id for each in library.trash.pictures(0, 2 * PICTURES)}
        wrong = ["an original is left"] if trashed(self.place) != listed else []
        wrong += ["not emptied"] if self.is_repeated and listed else []
        return Verdict(wrong=wrong) + compare(self.place, self.staying)
