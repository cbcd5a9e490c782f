"""Kills and freezes the Milvus server while pictures are added and searched."""

import random
import threading
import time
from collections.abc import Callable

from benchmarks.faults.commands import Ingest, fill, next_album
from benchmarks.faults.kills import begun
from benchmarks.faults.ledger import Verdict, compare
from benchmarks.faults.place import ENDED_WITHIN, Failed, Place
from benchmarks.faults.results import Results
from library.errors import IndexUnavailable
from library.image_library import ImageLibrary
from library.images import ContentId
from library.search.query import Query
from testing.milvus_server import MilvusServer

MOST_FROZEN = 15.0  # seconds: longer than the server waits for its own lease
MOST_WITHIN = 3.0  # of an import that is broken
RECOVERS_WITHIN = 120.0
ENDS = (0, 1, 3)  # done, some files rejected, Milvus out of reach

Break = Callable[[MilvusServer, random.Random], None]


def killed(server: MilvusServer, chance: random.Random) -> None:
    server.kill()


def frozen(server: MilvusServer, chance: random.Random) -> None:
    server.freeze()
    time.sleep(chance.uniform(0.5, MOST_FROZEN))
    server.thaw()


def during_ingest(broken: Break, place: Place, chance: random.Random, trials: int) -> Results:
    """Breaks the server while pictures are added; the same command is the recovery."""
    results = Results(f"Milvus server {broken.__name__} during ingest")
    server = _server_of(place)
    operation = Ingest(place, chance)
    operation.set_up()
    for _ in range(trials):
        operation.trial += 1
        operation.prepare()
        running = begun(operation)
        time.sleep(chance.uniform(0, MOST_WITHIN))
        broken(server, chance)
        verdict = _ended(operation, running.wait(ENDED_WITHIN))
        started = time.monotonic()
        _back(server)
        verdict += _recovered(operation)
        seconds = time.monotonic() - started
        results.add(verdict + operation.verdict(), seconds)
    return results


def during_searches(broken: Break, place: Place, chance: random.Random, trials: int) -> Results:
    """Breaks the server under constant searches: each is answered rightly, or refused with a reason."""
    results = Results(f"Milvus server {broken.__name__} during searches")
    server, pictures = _server_of(place), next_album(place)
    place.clear()
    fill(place, pictures)
    for _ in range(trials):
        with place.opened() as library:
            searching = Searching(library, pictures)
            time.sleep(chance.uniform(0.5, 1.5))
            broken(server, chance)
            started = time.monotonic()
            was_answered = searching.answers_again(server)
            verdict = searching.stop()
        verdict += Verdict(wrong=[] if was_answered else ["no answer after the server was back"])
        results.add(verdict + _compared(place, pictures), time.monotonic() - started)
    return results


class Searching:
    """Searches with one picture after the other without a pause, and notes wrong answers."""

    def __init__(self, library: ImageLibrary, pictures: dict[ContentId, bytes]) -> None:
        self._library = library
        self._pictures = pictures
        self._answers = 0
        self._wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._search)
        self._thread.start()

    def answers_again(self, server: MilvusServer) -> bool:
        """Returns whether there are answers within a while, in which the server is started whenever it has ended."""
        before, until = self._answers, time.monotonic() + RECOVERS_WITHIN
        while self._answers < before + 2 and time.monotonic() < until:
            _back(server)
            time.sleep(0.05)
        return self._answers >= before + 2

    def stop(self) -> Verdict:
        self._stop.set()
        self._thread.join()
        return Verdict(wrong=self._wrong)

    def _search(self) -> None:
        while not self._stop.is_set():
            for id, data in self._pictures.items():
                if self._stop.is_set():
                    return
                try:
                    answer = self._library.search(Query.of(image=data, limit=len(self._pictures)))
                except IndexUnavailable:
                    time.sleep(0.1)
                    continue
                if answer.hits and answer.hits[0].record.content_id == id and len(answer.hits) == len(self._pictures):
                    self._answers += 1
                else:
                    self._wrong.append(f"an answer of {len(answer.hits)} hits, or in a wrong order")


def _ended(operation: Ingest, code: int) -> Verdict:
    told = operation.told()
    wrong = [f"the command ended with {code}: {told[-100:]}"] if code not in ENDS else []
    wrong += ["a traceback was printed"] if "Traceback" in told else []
    return Verdict(wrong=wrong)


def _back(server: MilvusServer) -> None:
    if not server.is_running:
        server.start()


def _recovered(operation: Ingest) -> Verdict:
    """Repeats the command until the server, which says that it is healthy before it is, has gathered its parts."""
    until = time.monotonic() + RECOVERS_WITHIN
    while True:
        try:
            operation.recover()
            return Verdict()
        except Failed as error:
            _back(_server_of(operation.place))
            if time.monotonic() > until:
                return Verdict(wrong=[str(error)])
            time.sleep(0.5)


def _compared(place: Place, pictures: dict[ContentId, bytes]) -> Verdict:
    """Compares once the server answers: one that was frozen for long ends a while after it goes on."""
    until = time.monotonic() + RECOVERS_WITHIN
    while True:
        try:
            return compare(place, pictures)
        except IndexUnavailable as error:
            if time.monotonic() > until:
                return Verdict(wrong=[str(error)])
            time.sleep(0.5)
            _back(_server_of(place))


def _server_of(place: Place) -> MilvusServer:
    if place.server is None:
        raise ValueError("only a server can be broken")
    return place.server
