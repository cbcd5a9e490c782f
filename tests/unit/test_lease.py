import threading
import time

import pytest

from db.milvus.lease import Lease
from library.errors import IndexUnavailable
from testing.waiting import until


class Loads:
    """Records loads and releases, and whether they ever overlapped a search or each other."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.loaded = False
        self.events: list[str] = []
        self._busy = threading.Lock()

    def load(self) -> None:
        assert self._busy.acquire(blocking=False), "two transitions at once"
        time.sleep(self.seconds)
        self.loaded = True
        self.events.append("load")
        self._busy.release()

    def release(self) -> None:
        assert self._busy.acquire(blocking=False), "two transitions at once"
        self.loaded = False
        time.sleep(self.seconds)
        self.events.append("release")
        self._busy.release()


def lease(loads: Loads, release_after: float | None) -> Lease:
    return Lease(loads.load, loads.release, release_after)


def test_the_first_loads_and_the_last_releases():
    loads = Loads()
    strict = lease(loads, 0)
    with strict.held(), strict.held():
        assert loads.events == ["load"]
        assert strict.status().state == "loaded"
    assert loads.events == ["load", "release"]
    assert strict.status().state == "released"


def test_an_idle_collection_stays_for_a_while():
    loads = Loads()
    lazy = lease(loads, 0.1)
    for _ in range(3):
        with lazy.held():
            pass
    status = lazy.status()
    assert status.state == "loaded" and 0 < status.seconds_until_release <= 0.1
    assert until(lambda: loads.events == ["load", "release"])


def test_a_holder_keeps_it_beyond_the_idle_time():
    loads = Loads()
    lazy = lease(loads, 0.05)
    with lazy.held():
        pass
    with lazy.held():
        time.sleep(0.15)
        assert loads.events == ["load"]
        assert lazy.status().seconds_until_release is None
    assert until(lambda: loads.events == ["load", "release"])


def test_never_means_never():
    loads = Loads()
    kept = lease(loads, None)
    with kept.held():
        pass
    time.sleep(0.05)
    assert loads.events == ["load"]
    assert kept.status().seconds_until_release is None


def test_concurrent_holders_share_one_load():
    loads = Loads(seconds=0.05)
    shared = lease(loads, 30)
    threads = [threading.Thread(target=lambda: shared.held().__enter__()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads.events == ["load"]


@pytest.mark.parametrize("release_after", [0, 0.001, 30])
def test_no_holder_ever_meets_a_released_collection(release_after):
    loads = Loads(seconds=0.001)
    shared = lease(loads, release_after)
    met_released: list[bool] = []

    def hold_often():
        for _ in range(50):
            with shared.held():
                if not loads.loaded:
                    met_released.append(True)

    threads = [threading.Thread(target=hold_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert met_released == []
    counted = shared.status()
    assert until(lambda: loads.events.count("load") - loads.events.count("release") in (0, 1))
    assert counted.loads >= 1


def test_a_failed_load_reaches_the_caller_and_the_next_one_tries_again():
    attempts = iter([IndexUnavailable("away"), None])

    def load():
        if error := next(attempts):
            raise error

    shared = Lease(load, lambda: None, 30)
    with pytest.raises(IndexUnavailable), shared.held():
        pass
    assert shared.status().state == "released"
    with shared.held():
        assert shared.status().state == "loaded"


def test_a_failed_release_costs_no_answer():
    def release():
        raise IndexUnavailable("away")

    strict = Lease(lambda: None, release, 0)
    with strict.held():
        pass
    assert strict.status().state == "released"
    assert strict.status().releases == 0


def test_one_of_many_reloads_for_all():
    loads = Loads()
    shared = lease(loads, 30)
    with shared.held() as first, shared.held() as second:
        assert shared.reload(first) == shared.reload(second) == first + 1
    assert loads.events == ["load", "load"]


def test_release_now_waits_for_nobody():
    loads = Loads()
    lazy = lease(loads, 30)
    with lazy.held():
        lazy.release_now()
        assert loads.events == ["load"]
    lazy.release_now()
    assert loads.events == ["load", "release"]
