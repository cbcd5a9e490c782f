"""Watching: what is new in a folder or a bucket is taken in as soon as it is whole; removals are followed on demand."""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from library.errors import InvalidSelection, LikenessError, SourceUnavailable, UnknownPicture
from library.image_library import ImageLibrary
from library.images import ContentId
from library.ingest.pipeline import FileReceipt, Item, Setback
from library.ingest.runs import Worker
from library.ingest.watch_state import SeenFile, WatchState
from library.records import encodable

logger = logging.getLogger(__name__)

SETTLED_AFTER = 1.5  # seconds without a change
WRITER_GIVEN_UP_AFTER = 60.0  # seconds without a change
LOOK_FOR_RETURN_AFTER = 5.0  # seconds
PAUSE_AT_MOST = 60.0  # seconds between two tries
AT_ONCE = 512  # files, so that uploads come in between
STOP_WITHIN = 7.0  # seconds

Stopped = Callable[[], bool]
Add = Callable[[Sequence[Item], Stopped], Iterable[FileReceipt]]


@dataclass(frozen=True)
class Listing:
    """The files of a source that may be pictures, with a signature that changes when they do.

    `unread` are files and folders that are there and could not be looked at; `mounts` the disks below the source.
    """

    signatures: Mapping[str, str]
    unread: frozenset[str] = frozenset()
    mounts: frozenset[str] = frozenset()

    def mount_of(self, path: str) -> str:
        return max((mount for mount in self.mounts if path.startswith(f"{mount}/")), key=len, default="")

    def is_gone(self, path: str, taken: SeenFile) -> bool:
        """Not there any more, rather than out of sight."""
        if path in self.signatures or (taken.mount and taken.mount not in self.mounts):
            return False
        return not any(path == each or path.startswith(f"{each}/") for each in self.unread)


class Source(Protocol):
    """What can be watched. Paths are those of the items."""

    @property
    def name(self) -> str: ...
    @property
    def shows_only_whole(self) -> bool:
        """Whether a file appears with its last byte, as in S3."""
        ...

    def listing(self) -> Listing:
        """Raises SourceUnavailable."""
        ...

    def item(self, path: str, signature: str) -> Item: ...
    def is_being_written(self, path: str) -> bool:
        """False where that cannot be known."""
        ...

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        """From now on `changed` is set when something may have changed, until `stopped`; not all sources can tell."""
        ...


@dataclass(frozen=True)
class Removal:
    path: str
    content_id: ContentId


@dataclass(frozen=True)
class Round:
    """What a look at a source led to: receipts of what was settled, no matter how, and pictures that were deleted."""

    receipts: Sequence[FileReceipt] = ()
    removals: Sequence[Removal] = ()


OnProgress = Callable[[str, Round], None]  # given the name of the source, too


@dataclass
class _Candidate:
    """A file that is new or has changed; `since` is when it was first seen as it is now."""

    signature: str
    since: float
    tries: int = 0
    not_before: float = 0.0


class Watcher:
    """Watches one source. Not safe to call from several threads."""

    def __init__(
        self,
        source: Source,
        library: ImageLibrary,
        add: Add,
        taken: WatchState,
        follow_removals: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.taken = taken
        self.others: Sequence[Watcher] = ()  # in this process: what they hold is not deleted
        self._library = library
        self._add = add
        self._follow_removals = follow_removals
        self._clock = clock
        self._candidates: dict[str, _Candidate] = {}
        self._missing: dict[str, float] = {}  # since when
        self._away: str | None = None  # why the source cannot be listed
        self._problem: str | None = None  # why nothing can be taken in or deleted
        self._failures = 0
        self._not_before = 0.0
        self._is_first = True
        self._was_told: set[str] = set()
        self.listing_took = 0.0

    def rounds(self, should_stop: Stopped = lambda: False) -> Iterator[Round]:
        """One look at the source, and what it led to, some hundred files at a time."""
        listing = self._listing()
        if listing is None:
            return
        if self._is_first:
            self._check_memory()
        self._note_changes(listing)
        if not self._may_try():
            return
        due = [path for path, each in self._candidates.items() if self._is_due(path, each)]
        try:
            for start in range(0, len(due), AT_ONCE):
                if should_stop():
                    return
                yield from self._take_in(due[start : start + AT_ONCE], listing, should_stop)
            if not should_stop():
                yield from self._remove(self._gone(listing))
        except LikenessError as error:
            self._note_problem(error)
        else:
            self._note_success()

    def pause(self, every: float) -> float:
        """How long until the next look, if nothing happens before."""
        if self._away or self._problem:
            return min(every, LOOK_FOR_RETURN_AFTER)
        settled = [since + SETTLED_AFTER for since in self._missing.values()]
        due = [max(each.not_before, each.since + SETTLED_AFTER) for each in self._candidates.values()]
        if not (settled or due):
            return every
        wait = min(settled + due) - self._clock()
        return min(every, wait if wait > 0 else SETTLED_AFTER)  # due, and yet there: it is being written

    def _listing(self) -> Listing | None:
        started = self._clock()
        try:
            listing = self.source.listing()
        except SourceUnavailable as error:
            if not self._away:
                logger.warning("%s is away, nothing is deleted: %s", self.source.name, error)
            self._away = str(error)
            return None
        self.listing_took = self._clock() - started
        if self._away:
            logger.warning("%s is back", self.source.name)
        self._away = None
        self._tell_once(*(f"{path} cannot be looked at" for path in sorted(listing.unread)))
        return listing

    def _check_memory(self) -> None:
        """A library that was emptied meanwhile is filled again."""
        if self._library.status().pictures == 0:
            self.taken.look_at_all_again()
        self._is_first = False

    def _note_changes(self, listing: Listing) -> None:
        now = self._clock()
        candidates = {}
        for path, signature in listing.signatures.items():
            taken = self.taken.get(path)
            if taken is None or taken.signature != signature:
                seen = self._candidates.get(path)
                candidates[path] = seen if seen and seen.signature == signature else _Candidate(signature, now)
        self._candidates = candidates

    def _is_due(self, path: str, candidate: _Candidate) -> bool:
        now = self._clock()
        unchanged_for = now - candidate.since
        if now < candidate.not_before or not (self.source.shows_only_whole or unchanged_for >= SETTLED_AFTER):
            return False
        return unchanged_for >= WRITER_GIVEN_UP_AFTER or not self.source.is_being_written(path)

    def _may_try(self) -> bool:
        """After a failure only once the library looks well again."""
        if not self._problem:
            return True
        if self._clock() < self._not_before or self._problem_of_library():
            return False
        for candidate in self._candidates.values():
            candidate.not_before = 0.0
        return True

    def _problem_of_library(self) -> str | None:
        status = self._library.status()
        return status.store_problem or (status.index.problem if status.index else None)

    def _take_in(self, paths: Sequence[str], listing: Listing, should_stop: Stopped) -> Iterator[Round]:
        items = {path: self.source.item(path, listing.signatures[path]) for path in paths}
        receipts: list[FileReceipt] = []
        removals: list[Removal] = []
        problem: LikenessError | None = None
        try:
            for receipt in self._add(list(items.values()), should_stop):
                receipts.append(receipt)
        except LikenessError as error:
            problem = error
        final = [each for each in receipts if _is_final(each)]
        self._put_off(items.keys() - {receipt.path for receipt in final}, [] if problem else receipts)
        try:
            self._remember(final, items, listing, removals)
        except LikenessError as error:
            problem = error
        if final or removals:
            yield Round(final, removals)
        if problem:
            raise problem

    def _remember(
        self,
        receipts: Sequence[FileReceipt],
        items: Mapping[str, Item],
        listing: Listing,
        removals: list[Removal],
    ) -> None:
        """Deletes what the paths held before, unless that lies at another path by now."""
        ids = {receipt.content_id for receipt in receipts if receipt.status != "rejected"}
        taken = {each.path: self._taken_from(each, items[each.path], listing) for each in receipts}
        changed = [path for path in taken if (before := self.taken.get(path)) and before.id not in (None, *ids)]
        changed = [path for path in changed if taken[path].id != self.taken[path].id]
        self._keep({path: each for path, each in taken.items() if path not in changed})
        for path in changed:
            removals += self._delete(path)  # where that fails, the file is read again later
            self._keep({path: taken[path]})

    def _taken_from(self, receipt: FileReceipt, item: Item, listing: Listing) -> SeenFile:
        before = self.taken.get(receipt.path)
        signature, mount = listing.signatures[receipt.path], listing.mount_of(receipt.path)
        if receipt.status == "rejected":
            logger.warning("%s is rejected: %s", receipt.path, receipt.reason)
            return SeenFile(signature, before.id if before else None, before.origin if before else "", mount)
        assert receipt.content_id
        origin = encodable(item.source)
        if receipt.status != "new":
            origin = self._origin(receipt.content_id) or origin
        return SeenFile(signature, receipt.content_id, origin, mount)

    def _keep(self, changes: Mapping[str, SeenFile | None]) -> None:
        self.taken.update(changes)
        for path in changes:
            self._candidates.pop(path, None)
            self._missing.pop(path, None)

    def _put_off(self, paths: Iterable[str], receipts: Iterable[FileReceipt]) -> None:
        for path in paths:
            candidate = self._candidates[path]
            candidate.tries += 1
            candidate.not_before = self._clock() + min(2.0**candidate.tries, PAUSE_AT_MOST)
        for receipt in receipts:
            if isinstance(receipt, Setback):
                self._tell_once(f"{receipt.path} is tried again later: {receipt.reason}")

    def _gone(self, listing: Listing) -> list[str]:
        """Paths that were missing in two looks, unless the whole source looks as if it were away."""
        if not listing.signatures:
            if self.taken and self._follow_removals:
                self._tell_once(f"{self.source.name} is suddenly empty: nothing is deleted")
            self._missing = {}
            return []
        self._was_told.discard(f"{self.source.name} is suddenly empty: nothing is deleted")
        now = self._clock()
        gone = [path for path, taken in self.taken.items() if listing.is_gone(path, taken)]
        self._missing = {path: self._missing.get(path, now) for path in gone}
        return [path for path, since in self._missing.items() if now - since >= SETTLED_AFTER]

    def _remove(self, paths: Sequence[str]) -> Iterator[Round]:
        """Without `follow_removals` only forgets."""
        removals: list[Removal] = []
        problem: LikenessError | None = None
        for path in paths:
            try:
                removals += self._delete(path)
            except LikenessError as error:
                problem = error
                break
            self._keep({path: None})
        if removals:
            yield Round(removals=removals)
        if problem:
            raise problem

    def _delete(self, path: str) -> list[Removal]:
        """The picture of this path, if it came in by watching and no other watched path holds it."""
        taken = self.taken[path]
        if not self._follow_removals or taken.id is None or self._is_held(taken.id, path):
            return []
        try:
            if self._library.record(taken.id).source != taken.origin:  # uploaded by someone, or from elsewhere
                return []
            self._library.delete([taken.id])
        except UnknownPicture:
            return []
        return [Removal(path, taken.id)]

    def _is_held(self, id: ContentId, but: str) -> bool:
        return bool(self.taken.paths(id) - {but}) or any(other.taken.paths(id) for other in self.others)

    def _origin(self, id: ContentId) -> str | None:
        origins = (watcher.taken.origin(id) for watcher in (self, *self.others))
        return next((origin for origin in origins if origin), None)

    def _note_problem(self, problem: LikenessError) -> None:
        """One line when it goes, and one when it is back."""
        if not self._problem:
            logger.warning("watching %s: waits: %s", self.source.name, problem)
        self._problem = str(problem)
        self._not_before = self._clock() + min(2.0**self._failures, PAUSE_AT_MOST)
        self._failures += 1

    def _note_success(self) -> None:
        if self._problem:
            logger.warning("watching %s: goes on", self.source.name)
        self._problem, self._failures = None, 0

    def _tell_once(self, *lines: str) -> None:
        for line in lines:
            if line not in self._was_told:
                self._was_told.add(line)
                logger.warning("%s", line)


class Watching:
    """Watchers at work, each on a thread of its own."""

    def __init__(self, watchers: Sequence[Watcher], every: float, on_progress: OnProgress = lambda *_: None) -> None:
        """`tell` is called from any of the threads."""
        for watcher in watchers:
            watcher.others = [other for other in watchers if other is not watcher]
        self._every = every
        self._tell = on_progress
        self._stopped = threading.Event()
        self._changed = {watcher: threading.Event() for watcher in watchers}
        self._threads = [
            threading.Thread(target=self._watch, args=[watcher], name="watch", daemon=True) for watcher in watchers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begins nothing more; `wait` for the batch in hand."""
        self._stopped.set()
        for changed in self._changed.values():
            changed.set()

    def wait(self, timeout: float = STOP_WITHIN) -> None:
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _watch(self, watcher: Watcher) -> None:
        changed = self._changed[watcher]
        watcher.source.notice(changed, self._stopped)
        while not self._stopped.is_set():
            changed.clear()
            try:
                for found in watcher.rounds(self._stopped.is_set):
                    self._tell(watcher.source.name, found)
            except Exception:
                logger.exception("Watching %s failed; it goes on", watcher.source.name)
                self._stopped.wait(self._every)
            # A source that takes long to list is not listed without end.
            self._stopped.wait(min(self._every, 2 * watcher.listing_took))
            if not self._stopped.is_set():
                changed.wait(watcher.pause(self._every))


@dataclass(frozen=True)
class WatchConfig:
    """What a person asked to watch."""

    sources: Sequence[str]
    every: float  # seconds
    delete: bool = False
    in_place: bool = False


def through(worker: Worker, source: str) -> Add:
    """Additions as runs, which the page shows and which take turns with uploads."""

    def add(items: Sequence[Item], should_stop: Stopped) -> Iterator[FileReceipt]:
        # Visitors see the runs, and where a source lies on this machine is not theirs to know.
        paths = {item.source: item.path for item in items}
        run = worker.start([replace(item, path=item.source) for item in items], source)
        while not run.over.wait(0.5):
            if should_stop() and not run.over.wait(STOP_WITHIN):
                break
        yield from [replace(receipt, path=paths[receipt.path]) for receipt in list(run.receipts)]
        if run.state == "failed" and not should_stop():
            raise LikenessError(run.problem or "")

    return add


def parse_interval(text: str) -> float:
    """Seconds. Raises InvalidSelection for anything but 5s, 2m, 500ms or 5, within a day."""
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,6})?)(ms|s|m|h)?", text.strip(), flags=re.ASCII)
    seconds = float(match[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(match[2], 1.0) if match else 0.0
    if not 0.1 <= seconds <= 86_400:
        raise InvalidSelection(f"--every {text[:40]!r} is not possible: 5s, 2m, 500ms or seconds are expected.")
    return seconds


def _is_final(receipt: FileReceipt) -> bool:
    """Whether the same file would fare the same in the next look."""
    was_tried = receipt.status != "skipped" or receipt.near_duplicate_of is not None
    return was_tried and not isinstance(receipt, Setback)


def memory_file(folder: Path, source: str, store: str) -> Path:
    """Where it is kept what was taken in from this source into this image store."""
    return folder / f"{hashlib.sha256(f'{source} {store}'.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.jsonl"
