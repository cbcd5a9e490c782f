"""Watches folders and buckets: what is new is imported as soon as it is whole, each source on its own thread."""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from library.errors import InvalidArgument, LikenessError
from library.ingest.items import Item
from library.ingest.receipts import FileReceipt
from library.ingest.runs import Worker
from library.ingest.watcher import Add, Round, ShouldStop, Watcher

logger = logging.getLogger(__name__)

STOP_WITHIN = 7.0  # seconds

OnProgress = Callable[[str, Round], None]  # given the name of the source, too


@dataclass(frozen=True)
class WatchConfig:
    """Says what to watch, how often to list it, and whether removals are followed."""

    sources: Sequence[str]
    every: float  # seconds
    delete: bool = False
    in_place: bool = False
    sidecars: bool = True


class Watching:
    """Runs watchers, each on a thread of its own."""

    def __init__(self, watchers: Sequence[Watcher], every: float, on_progress: OnProgress = lambda *_: None) -> None:
        """Makes a thread for each watcher; `on_progress` is called from any of them."""
        for watcher in watchers:
            watcher.others = [other for other in watchers if other is not watcher]
        self._every = every
        self._on_progress = on_progress
        self._should_stop = threading.Event()
        self._changed = {watcher: threading.Event() for watcher in watchers}
        self._threads = [
            threading.Thread(target=self._watch, args=[watcher], name="watch", daemon=True) for watcher in watchers
        ]

    def start(self) -> None:
        """Starts every watcher on its thread."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Asks every watcher to end after the batch in hand, for which `wait` waits."""
        self._should_stop.set()
        for changed in self._changed.values():
            changed.set()

    def wait(self, timeout: float = STOP_WITHIN) -> None:
        """Waits until the threads have ended, for `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _watch(self, watcher: Watcher) -> None:
        changed = self._changed[watcher]
        watcher.source.notice(changed, self._should_stop)
        while not self._should_stop.is_set():
            changed.clear()
            try:
                for found in watcher.scan(self._should_stop.is_set):
                    self._on_progress(watcher.source.name, found)
            except Exception:
                logger.exception("Watching %s failed; it goes on", watcher.source.name)
                self._should_stop.wait(self._every)
            # A source that takes long to list is not listed without end.
            self._should_stop.wait(min(self._every, 2 * watcher.listing_took))
            if not self._should_stop.is_set():
                changed.wait(watcher.pause(self._every))


def through(worker: Worker, source: str) -> Add:
    """Returns what adds files as runs, which the page shows and which take turns with uploads."""

    def add(items: Sequence[Item], should_stop: ShouldStop) -> Iterator[FileReceipt]:
        # Visitors see the runs, and where a source lies on this machine is not theirs to know.
        paths = {item.source: item.path for item in items}
        run = worker.start([replace(item, path=item.source) for item in items], source)
        while not run.over.wait(0.5):
            if should_stop() and not run.over.wait(STOP_WITHIN):
                break
        yield from [replace(receipt, path=paths[receipt.path]) for receipt in list(run.receipts)]
        if run.state == "failed" and not should_stop():
            raise LikenessError("import_failed", problem=run.problem or "")

    return add


def parse_interval(text: str) -> float:
    """Returns the seconds of 5s, 2m, 500ms or 5, within a day. Raises InvalidArgument for anything else."""
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,6})?)(ms|s|m|h)?", text.strip(), flags=re.ASCII)
    seconds = float(match[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(match[2], 1.0) if match else 0.0
    if not 0.1 <= seconds <= 86_400:
        raise InvalidArgument("interval_impossible", text=repr(text[:40]))
    return seconds


def memory_file(folder: Path, source: str, store: str) -> Path:
    """Returns the file that remembers what was imported from this source into this image store."""
    return folder / f"{hashlib.sha256(f'{source} {store}'.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.jsonl"
