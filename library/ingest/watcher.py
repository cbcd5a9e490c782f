"""Watches one source: each scan lists it, imports what is new, and follows removals where that is wanted."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from library.errors import LikenessError, SourceUnavailable, UnknownPicture
from library.image_library import ImageLibrary
from library.images import ContentId
from library.ingest.candidates import SETTLED_AFTER, Candidates, pause_after
from library.ingest.items import Item
from library.ingest.left_out import LeftOut
from library.ingest.receipts import FileReceipt
from library.ingest.skips import skips_told
from library.ingest.watch_source import SourceListing, WatchSource
from library.ingest.watch_state import SeenFile, WatchState
from library.messages import Message
from library.running.private import Private
from library.texts import encodable

logger = logging.getLogger(__name__)

LOOK_FOR_RETURN_AFTER = 5.0  # seconds
AT_ONCE = 512  # files, so that uploads are added in between

ShouldStop = Callable[[], bool]
Add = Callable[[Sequence[Item], ShouldStop], Iterable[FileReceipt]]


@dataclass(frozen=True)
class Removal:
    """Names a picture that was deleted because its file is gone or has changed."""

    path: str
    content_id: ContentId


@dataclass(frozen=True)
class Round:
    """Holds the result of a scan, or of a part of it: receipts of files, those left out too, and deleted pictures."""

    receipts: Sequence[FileReceipt] = ()
    removals: Sequence[Removal] = ()


class Watcher:
    """Watches one source. Not safe to call from several threads."""

    def __init__(
        self,
        source: WatchSource,
        library: ImageLibrary,
        add: Add,
        state: WatchState,
        follow_removals: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.state = state
        self.others: Sequence[Watcher] = ()  # in this process: what they hold is not deleted
        self._library = library
        self._add = add
        self._follow_removals = follow_removals
        self._clock = clock
        self._candidates = Candidates(source, clock)
        self._left_out = LeftOut(source, clock)
        self._missing: dict[str, float] = {}  # since when
        self._away: Message | None = None  # why the source cannot be listed
        self._problem: Message | None = None  # why nothing can be imported or deleted
        self._failures = 0
        self._not_before = 0.0
        self._is_first = True
        self._was_told: set[str] = set()
        self.listing_took = 0.0

    def scan(self, should_stop: ShouldStop = lambda: False) -> Iterator[Round]:
        """Lists the source once and yields what that led to, some hundred files at a time."""
        listing = self._listing()
        if listing is None:
            return
        if self._is_first:
            self._check_state()
            self._tell_skips(listing)
        self._candidates.update(listing, self.state)
        self._left_out.update(listing.skips)
        if not self._may_try():
            return
        due = [*self._candidates.due(), *self._left_out.due()]
        try:
            for start in range(0, len(due), AT_ONCE):
                if should_stop():
                    return
                yield from self._import(due[start : start + AT_ONCE], listing, should_stop)
            if not should_stop():
                yield from self._remove(self._gone(listing))
        except LikenessError as error:
            self._note_problem(error)
        else:
            self._note_success()

    def pause(self, every: float) -> float:
        """Returns how many seconds to wait before the next scan, if nothing happens before."""
        if self._away or self._problem:
            return min(every, LOOK_FOR_RETURN_AFTER)
        due = [since + SETTLED_AFTER for since in self._missing.values()]
        due += [*self._candidates.due_at(), *self._left_out.due_at()]
        if not due:
            return every
        wait = min(due) - self._clock()
        return min(every, wait if wait > 0 else SETTLED_AFTER)  # due, and yet there: it is being written

    def _listing(self) -> SourceListing | None:
        started = self._clock()
        try:
            listing = self.source.listing()
        except SourceUnavailable as error:
            if not self._away:
                logger.warning("%s is away, nothing is deleted: %s", self.source.name, error)
            self._away = error.message
            return None
        self.listing_took = self._clock() - started
        if self._away:
            logger.warning("%s is back", self.source.name)
        self._away = None
        for path in sorted(listing.unread):
            self._warn_once("%s cannot be looked at", Private(path))
        return listing

    def _check_state(self) -> None:
        """Reads everything again where the library was emptied meanwhile."""
        if self._library.status().pictures == 0:
            self.state.read_all_again()
        self._is_first = False

    def _tell_skips(self, listing: SourceListing) -> None:
        """Reports once each file of the source that is left out."""
        if told := ", ".join(map(str, skips_told(Counter(reason.code for reason in listing.skips.values())))):
            logger.info("%s: left out are %s", self.source.name, told)

    def _may_try(self) -> bool:
        """Returns whether to try again: after a failure only once the library looks well again."""
        if not self._problem:
            return True
        if self._clock() < self._not_before or self._problem_of_library():
            return False
        self._candidates.retry_now()
        return True

    def _problem_of_library(self) -> Message | None:
        status = self._library.status()
        return status.store_problem or (status.index.problem if status.index else None)

    def _import(self, paths: Sequence[str], listing: SourceListing, should_stop: ShouldStop) -> Iterator[Round]:
        items = {path: self._item(path, listing) for path in paths}
        receipts, problem = _receipts_of(self._add(list(items.values()), should_stop))
        left_out = [each for each in receipts if each.path in listing.skips]
        final = [each for each in receipts if each.path not in listing.skips and _is_final(each)]
        self._left_out.note_told(each.path for each in left_out)
        self._candidates.put_off(items.keys() - listing.skips.keys() - {receipt.path for receipt in final})
        if not problem:
            self._warn_of_retries(receipts)
        removals: list[Removal] = []
        try:
            self._remember(final, items, listing, removals)
        except LikenessError as error:
            problem = error
        if final or left_out or removals:
            yield Round([*final, *left_out], removals)
        if problem:
            raise problem

    def _item(self, path: str, listing: SourceListing) -> Item:
        if reason := listing.skips.get(path):
            return self.source.skipped(path, reason)
        return self.source.item(path, listing.signatures[path])

    def _remember(
        self,
        receipts: Sequence[FileReceipt],
        items: Mapping[str, Item],
        listing: SourceListing,
        removals: list[Removal],
    ) -> None:
        """Deletes what the paths held before, unless that lies at another path by now."""
        ids = {receipt.content_id for receipt in receipts if receipt.status != "rejected"}
        seen = {each.path: self._seen_file(each, items[each.path], listing) for each in receipts}
        changed = [path for path in seen if (before := self.state.get(path)) and before.id not in (None, *ids)]
        changed = [path for path in changed if seen[path].id != self.state[path].id]
        self._keep({path: each for path, each in seen.items() if path not in changed})
        for path in changed:
            removals += self._delete(path)  # where that fails, the file is read again later
            self._keep({path: seen[path]})

    def _seen_file(self, receipt: FileReceipt, item: Item, listing: SourceListing) -> SeenFile:
        before = self.state.get(receipt.path)
        signature, mount = listing.signatures[receipt.path], listing.mount_of(receipt.path)
        if receipt.status == "rejected":
            logger.warning("%s is rejected: %s", Private(receipt.path), receipt.reason)
            return SeenFile(signature, before.id if before else None, before.origin if before else "", mount)
        assert receipt.content_id
        origin = encodable(item.source)
        if receipt.status != "new":
            origin = self._origin(receipt.content_id) or origin
        return SeenFile(signature, receipt.content_id, origin, mount)

    def _keep(self, changes: Mapping[str, SeenFile | None]) -> None:
        self.state.update(changes)
        for path in changes:
            self._candidates.discard(path)
            self._missing.pop(path, None)

    def _warn_of_retries(self, receipts: Iterable[FileReceipt]) -> None:
        for receipt in receipts:
            if receipt.may_retry:
                self._warn_once("%s is tried again later: %s", Private(receipt.path), receipt.reason)

    def _gone(self, listing: SourceListing) -> list[str]:
        """Returns paths that were missing in two scans, unless the whole source looks as if it were away."""
        if not listing.signatures:
            if self.state and self._follow_removals:
                self._warn_once("%s is suddenly empty: nothing is deleted", self.source.name)
            self._missing = {}
            return []
        self._was_told.discard(f"{self.source.name} is suddenly empty: nothing is deleted")
        now = self._clock()
        gone = [path for path, seen in self.state.items() if listing.is_gone(path, seen)]
        self._missing = {path: self._missing.get(path, now) for path in gone}
        return [path for path, since in self._missing.items() if now - since >= SETTLED_AFTER]

    def _remove(self, paths: Sequence[str]) -> Iterator[Round]:
        """Deletes the pictures of paths; without `follow_removals` only forgets."""
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
        """Deletes the picture of this path, if it was added by watching and no other watched path holds it."""
        seen = self.state[path]
        if not self._follow_removals or seen.id is None or self._is_held(seen.id, path):
            return []
        try:
            if self._library.record(seen.id).source != seen.origin:  # uploaded by someone, or from elsewhere
                return []
            self._library.delete([seen.id])
        except UnknownPicture:
            return []
        return [Removal(path, seen.id)]

    def _is_held(self, id: ContentId, but: str) -> bool:
        return bool(self.state.paths(id) - {but}) or any(other.state.paths(id) for other in self.others)

    def _origin(self, id: ContentId) -> str | None:
        origins = (watcher.state.origin(id) for watcher in (self, *self.others))
        return next((origin for origin in origins if origin), None)

    def _note_problem(self, problem: LikenessError) -> None:
        """Logs one line when a source goes, and one when it is back."""
        if not self._problem:
            logger.warning("watching %s: waits: %s", self.source.name, problem)
        self._problem = problem.message
        self._not_before = self._clock() + pause_after(self._failures)
        self._failures += 1

    def _note_success(self) -> None:
        if self._problem:
            logger.warning("watching %s: goes on", self.source.name)
        self._problem, self._failures = None, 0

    def _warn_once(self, text: str, *values: object) -> None:
        line = repr((text, values))
        if line not in self._was_told:
            self._was_told.add(line)
            logger.warning(text, *values)


def _is_final(receipt: FileReceipt) -> bool:
    """Returns whether the next scan would do the same with the file, so that it need not be tried again."""
    was_tried = receipt.status != "skipped" or receipt.near_duplicate_of is not None
    return was_tried and not receipt.may_retry


def _receipts_of(adding: Iterable[FileReceipt]) -> tuple[list[FileReceipt], LikenessError | None]:
    """Returns the receipts that came, and the problem that ended them early."""
    receipts: list[FileReceipt] = []
    try:
        receipts.extend(adding)
    except LikenessError as error:
        return receipts, error
    return receipts, None
