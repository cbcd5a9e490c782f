"""Lets the files of a run in as there is room for their bytes."""

from collections.abc import Callable, Iterator

from library.ingest.batch import PendingFile
from library.ingest.items import Item
from library.messages import Message
from library.running.budget import Account
from library.running.work import Interrupted

NO_FILE = Item("", "", bytes)


def admitted(
    items: Iterator[Item], account: Account, gives_up: Callable[[], bool], reason: Callable[[], Message]
) -> Iterator[PendingFile]:
    """Yields the items as files that may be read, each with its share of the memory.

    Where there is none left, a pause comes first: once all files before it are stored, theirs is given back. `reason`
    says why the run gives up waiting for that.
    """
    for item in items:
        file = PendingFile(item)
        if weight := item.weight:
            file.reservation = account.try_take(weight)
            if file.reservation is None:
                yield PendingFile(NO_FILE, is_pause=True)
                try:
                    file.reservation = account.take(weight, gives_up)
                except Interrupted:
                    file.settle("skipped", reason())
        yield file
