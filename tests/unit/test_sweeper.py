"""Sweeps again and again, whatever goes wrong, until it is stopped."""

import logging
import threading

from library.errors import StoreUnavailable
from library.running.sweeper import Sweeper


def test_a_sweep_that_fails_is_logged_and_tried_again_until_the_sweeper_is_stopped(caplog):
    problems = iter([StoreUnavailable("store_full"), ValueError("odd")])
    swept = threading.Event()

    def sweep() -> None:
        if problem := next(problems, None):
            raise problem
        sweeper.stop()
        swept.set()

    sweeper = Sweeper("trash", sweep, every=0, again_after=0)
    sweeper.start()
    assert swept.wait(10)
    assert [each.levelno for each in caplog.records] == [logging.WARNING, logging.ERROR]
