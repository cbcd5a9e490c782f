"""Has several processes use one library at once: two apps and an import on a server, two processes on a Lite folder."""

import random
import threading
import time

import httpx

from benchmarks.faults.commands import ANEW_EVERY, Album, Ingest, fill, next_album
from benchmarks.faults.kills import begun
from benchmarks.faults.ledger import Verdict, compare
from benchmarks.faults.place import ENDED_WITHIN, Failed, Place
from benchmarks.faults.results import Results
from benchmarks.faults.uploads import App

POLICIES = ("0", "never")  # seconds after which an app releases the collection; the import has another
OF_THE_IMPORT = "1"
MOST = 200
SECONDS_TO_SHOW = 10.0
SEARCH = ["red", MOST, None, False, -1, None, None, "all", "score", 0, []]


def together(place: Place, chance: random.Random, trials: int) -> Results:
    """Searches and uploads in two apps while pictures are imported; no answer may lack what was there before."""
    results = Results("two apps and an import on one server")
    for number in range(trials):
        place.clear()
        before = next_album(place)
        fill(place, before)
        apps = [App(place, MILVUS_RELEASE_AFTER=policy).wait() for policy in POLICIES]
        operation = Ingest(place, chance)
        operation.before, operation.pictures, operation.trial = {}, before, ANEW_EVERY * number
        operation.prepare()
        running = place.started(operation.arguments(), operation.out, MILVUS_RELEASE_AFTER=OF_THE_IMPORT)
        uploaded = [next_album(place, 6) for _ in apps]
        visitors = [Visitor(app, set(before), each) for app, each in zip(apps, uploaded, strict=True)]
        code = running.wait(ENDED_WITHIN)
        verdict = Verdict(wrong=[] if code == 0 else [f"the import ended with {code}: {operation.told()}"])
        for visitor in visitors:
            verdict += visitor.stop()
        started = time.monotonic()
        everything = before | operation.pictures | uploaded[0] | uploaded[1]
        verdict += _shown(apps, len(everything))
        seconds = time.monotonic() - started
        apps[0].kill()
        apps[1].stop()
        results.add(verdict + compare(place, everything), seconds)
    return results


class Visitor:
    """Searches in an app without a pause, and uploads pictures one by one."""

    def __init__(self, app: App, expected: set[str], pictures: Album) -> None:
        self._app = app
        self._expected = expected
        self._pictures = pictures
        self._wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()

    def stop(self) -> Verdict:
        """Returns what was wrong, once all pictures are uploaded."""
        self._stop.set()
        self._thread.join()
        return Verdict(wrong=self._wrong)

    def _visit(self) -> None:
        waiting = list(self._pictures.items())
        while waiting or not self._stop.is_set():
            try:
                self._search()
                if waiting:
                    id, data = waiting.pop()
                    if self._app.add({id: data}) != {id}:
                        self._wrong.append("an upload was not reported as saved")
            except (httpx.HTTPError, Failed) as error:
                self._wrong.append(f"{type(error).__name__}: {error}")

    def _search(self) -> None:
        [hits] = self._app.call("search", SEARCH)
        missing = self._expected - {hit["content_id"] for hit in hits}
        if missing:
            self._wrong.append(f"a search lacked {len(missing)} pictures")


def _shown(apps: list[App], count: int) -> Verdict:
    """Waits until both apps find every picture."""
    until = time.monotonic() + SECONDS_TO_SHOW
    while True:
        found = [len(app.call("search", SEARCH)[0]) for app in apps]
        if found == [count] * len(apps):
            return Verdict()
        if time.monotonic() > until:
            return Verdict(wrong=[f"the apps find {found} pictures instead of {count}"])
        time.sleep(0.1)


def on_one_folder(place: Place, chance: random.Random, trials: int) -> Results:
    """Starts a second import on a Lite folder that another has open, kills one of both, and repeats the other."""
    results = Results("two processes on one Lite folder")
    operation = Ingest(place, chance)
    operation.set_up()
    for _ in range(trials):
        operation.trial += 1
        operation.prepare()
        first = begun(operation)
        second = place.started(operation.arguments(), place.folder / "second.out")
        time.sleep(chance.uniform(0, 0.5))
        killed, other = (first, second) if chance.random() < 0.7 else (second, first)
        killed.kill()
        killed.wait(ENDED_WITHIN)
        code = other.wait(ENDED_WITHIN)
        told = (place.folder / "second.out").read_text(errors="replace") + operation.told()
        refused_well = code == 3 and "in use" in told
        wrong = [] if code == 0 or refused_well else [f"the second ended with {code}: {told[-200:]}"]
        started = time.monotonic()
        operation.recover()
        seconds = time.monotonic() - started
        results.add(Verdict(wrong=wrong) + operation.verdict(), seconds, kills=1)
        (place.folder / "second.out").unlink()
    return results
