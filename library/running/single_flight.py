"""Makes a thing once for all who ask for it at the same time."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Makes the value of a key once: callers who ask while it is made get the same value, or the same error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[K, Future[V]] = {}

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Returns what `make` returns, here or where it was called first. Nothing is kept for later."""
        with self._lock:
            future = self._under_way.get(key)
            if is_first := future is None:
                future = self._under_way[key] = Future()
        if not is_first:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[key]
        return future.result()
