"""Works ahead of whoever consumes an iterator, so that the stages of a pipeline overlap."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing
from queue import SimpleQueue
from typing import Any, TypeVar

from library.running.work import Work, current, enter

T = TypeVar("T")
R = TypeVar("R")


def prefetch(source: Generator[T, None, None], depth: int, work: Work | None = None) -> Generator[T, None, None]:
    """Yields the same items, made on a thread of its own that is at most `depth` of them ahead.

    That thread works for `work`, else for what the consumer works for. What `source` raises is raised here. Closing
    this ends the thread after the item in hand, and closes `source`.
    """
    made: SimpleQueue[Future[T] | None] = SimpleQueue()
    room = threading.Semaphore(depth)
    abandoned = threading.Event()
    made_for = work or current()

    def make() -> None:
        enter(made_for)
        try:
            with closing(source):
                for item in source:
                    made.put(_done(item))
                    room.acquire()
                    if abandoned.is_set():
                        break
        except BaseException as error:
            made.put(_failed(error))
        finally:
            made.put(None)

    thread = threading.Thread(target=make, name="reading files", daemon=True)
    thread.start()
    try:
        while future := made.get():
            yield future.result()
            room.release()
    finally:
        abandoned.set()
        room.release()
        thread.join()


def _done(item: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(item)
    return future


def _failed(error: BaseException) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def prefetch_map(
    function: Callable[[T], R],
    items: Iterable[T],
    pool: Executor,
    depth: int,
    is_pause: Callable[[T], bool] = lambda item: False,
) -> Iterator[R]:
    """Maps the items on a pool and yields the results in order, with at most `depth` of them under way.

    Behind an item that is a pause, no further one is asked for until all results have been yielded.
    """
    under_way: deque[Future[R]] = deque()
    for item in items:
        under_way.append(pool.submit(function, item))
        while len(under_way) >= depth or (under_way and is_pause(item)):
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
