"""Stops the app and checks the worker behind uploads."""

import threading

from library.ingest.items import CountedItems, Item
from library.ingest.runs import Worker
from testing.pictures import item


def test_stopping_finishes_the_batch_in_hand_and_begins_no_other_run(library, picture):
    begun, go_on = threading.Event(), threading.Event()

    def read() -> bytes:
        begun.set()
        go_on.wait(20)
        return picture("red")

    worker = Worker(library)
    first = worker.start([Item("red.png", "red.png", read)])
    second = worker.start([item("blue.png", picture("blue"))])
    begun.wait(20)
    worker.close(timeout=0)
    go_on.set()
    assert first.over.wait(20) and second.over.wait(20)
    assert [(receipt.path, receipt.status) for receipt in first.receipts] == [("red.png", "new")]
    assert (second.state, second.receipts) == ("stopped", [])
    assert "stopped before" in str(second.problem)


def test_a_run_says_how_much_there_is_to_do_once_it_is_known(library, picture):
    known = []
    listed = ([item("red.png", picture("red"))], [item("blue.png", picture("blue"))])
    items = CountedItems((known.append(1) or each for part in listed for each in part), lambda: 2 if known else None)
    worker = Worker(library)
    run = worker.start(items)
    assert run.over.wait(20)
    worker.close()
    assert (run.done, run.total, run.state) == (2, 2, "done")


def test_a_run_that_comes_after_the_end_is_told_so(library, picture):
    worker = Worker(library)
    worker.close()
    run = worker.start([item("red.png", picture("red"))])
    assert run.over.is_set() and run.finished
    assert worker.current() is None
