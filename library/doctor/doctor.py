"""Checks the whole library, and repairs what was found."""

import threading

from library.contents.readable import readable
from library.doctor.file_reading import OnProgress
from library.doctor.findings import TRASH, Finding, Report
from library.doctor.index_check import check_collections
from library.doctor.repairing import Repairer, ShouldStop
from library.doctor.store_check import check_store
from library.images import ContentId
from library.ingest.importer import Importer
from library.models import Models
from library.ports import ImageStore, VectorDatabase
from library.trash.trash import Trash


class Doctor:
    """Compares store and collections both ways. Methods raise StoreUnavailable, IndexUnavailable or
    ModelUnavailable."""

    def __init__(
        self,
        store: ImageStore,
        models: Models,
        database: VectorDatabase,
        importer: Importer,
        repairer: Repairer,
        trash: Trash,
        changes: threading.Lock,
    ) -> None:
        self._store = store
        self._models = models
        self._database = database
        self._importer = importer
        self._repairer = repairer
        self._trash = trash
        self._changes = changes

    def examine(
        self, on_progress: OnProgress = lambda *_: None, should_stop: ShouldStop = lambda: False
    ) -> Report | None:
        """Returns what is wrong with the library, or None when the check was stopped. Changes nothing."""
        names = self._encodable()
        found, unsettled, lost, young = check_store(self._store, on_progress, should_stop)
        if should_stop():
            return None
        if foreign := self._trash.foreign():
            found.append(Finding("foreign", TRASH, tuple(foreign), repairable=False))
        with self._changes:  # between a picture and its row nothing comes in
            if damaged := self._trash.damaged():
                found.append(Finding("trash_damaged", TRASH, tuple(damaged)))
            closed: list[ContentId] = []
            records = readable(self._store, self._store.ids(), closed.append)
            pictures = {record.content_id: record for record in records}
            answering = self._database.name_of(self._models.answering().info)
            not_settled = unsettled.union(closed)
            found += check_collections(self._database, pictures, answering, frozenset(names), lost, not_settled)
            collections = len(self._database.stored())
        return Report(len(pictures), collections, found, young)

    def repair(self, report: Report, should_stop: ShouldStop = lambda: False) -> dict[Finding, int]:
        """Repairs what can be repaired, and returns how many things of each finding were repaired.

        Stopped or killed, the same again does the rest.
        """
        repaired: dict[Finding, int] = {}
        with self._changes:
            for finding in sorted(report.findings, key=lambda each: each.kind != "foreign"):  # may be in a file's place
                if finding.repairable and finding.kind != "row_missing" and not should_stop():
                    repaired[finding] = self._repairer.repair(finding, should_stop)
        self._trash.sweep()
        names = self._encodable()
        for finding in report.findings:
            if finding.repairable and finding.kind == "row_missing" and not should_stop():
                receipts = self._importer.reindex(should_stop, names[finding.place])
                repaired[finding] = sum(receipt.status == "new" for receipt in receipts)
        return repaired

    def repaired(
        self, report: Report, on_progress: OnProgress = lambda *_: None, should_stop: ShouldStop = lambda: False
    ) -> Report | None:
        """Repairs what a check has found, and returns what is still wrong afterwards, or None when it was stopped."""
        self.repair(report, should_stop)
        return None if should_stop() else self.examine(on_progress, should_stop)

    def _encodable(self) -> dict[str, str]:
        """Returns the model by the name of each collection whose missing rows can be made."""
        names: dict[str, str] = {}
        answering = self._models.answering().info
        status = self._models.status()
        if not status.is_fallback:
            names[self._database.name_of(answering)] = ""
        for each in self._models.offered():
            if each.info and not self._models.is_chosen(each.name):
                names[self._database.name_of(each.info)] = each.name
        return names
