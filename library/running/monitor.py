"""Defines the counts and times that the library reports for monitoring, never names or words."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from library.errors import UNEXPECTED, LikenessError
from library.ingest.receipts import FileReceipt, Status
from library.messages import Message, Sentence

Stage = Literal["queue", "encode", "load", "milvus", "thumbnail"]
Place = Literal["search", "api", "add", "job", "http"]
OK = "ok"


class Monitor(Protocol):
    """Counts searches, files and errors, and measures stages. Called from any thread, and never raises."""

    def searched(self, kind: str, result: str) -> None:
        """Counts a search of texts, pictures or both, or a list; `result` is ok or the code of an error."""

    def took(self, stage: Stage, seconds: float) -> None:
        """Records how many seconds a stage of an answer took."""

    def added(self, status: Status) -> None:
        """Counts a file that was imported or not."""

    def failed(self, place: Place, code: str) -> None:
        """Counts an error by its code."""

    def exposition(self) -> tuple[bytes, str] | None:
        """Returns all figures and the type of the text they are in; None where none are kept."""


class NoMonitor:
    """Keeps no figures."""

    def searched(self, kind: str, result: str) -> None: ...

    def took(self, stage: Stage, seconds: float) -> None: ...

    def added(self, status: Status) -> None: ...

    def failed(self, place: Place, code: str) -> None: ...

    def exposition(self) -> tuple[bytes, str] | None:
        return None


def code_of(problem: object) -> str:
    """Returns the code of an error, of its message or its sentence; what has none was not expected."""
    found = problem.message if isinstance(problem, LikenessError | Sentence) else problem
    return found.code if isinstance(found, Message) else UNEXPECTED.code


@contextmanager
def counting(monitor: Monitor, kind: str) -> Iterator[None]:
    """Counts the search within the block by its outcome."""
    try:
        yield
    except Exception as error:
        monitor.searched(kind, code_of(error))
        monitor.failed("search", code_of(error))
        raise
    monitor.searched(kind, OK)


def counted(monitor: Monitor, receipts: Iterator[FileReceipt]) -> Generator[FileReceipt, None, None]:
    """Passes receipts on and counts them."""
    for receipt in receipts:
        monitor.added(receipt.status)
        if receipt.status == "rejected" and receipt.reason:
            monitor.failed("add", receipt.reason.code)
        yield receipt
