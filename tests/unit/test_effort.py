"""Checks that no visitor of the demo takes more than their share, and that none waits for the slow files of another."""

import threading

import pytest

from library.decoders.direct import DirectDecoder
from library.errors import RejectedImage
from library.jobs import Job
from library.running.work import counted, current
from library.visitors.effort import FILES_A_PICTURE, HOUR, Effort, MeteredDecoder
from library.visitors.visitor_runner import VisitorRunner


class Owned(Job):
    def __init__(self, owner, work=lambda: True):
        super().__init__(owner)
        self.owner = owner
        self._work = work

    def work(self):
        return self._work()


def test_files_count_whatever_becomes_of_them_until_the_hour_is_over():
    moments = [0.0]
    decoder = MeteredDecoder(DirectDecoder(), Effort(1, clock=lambda: moments[0]), lambda: "ann")
    for _ in range(FILES_A_PICTURE):
        with pytest.raises(RejectedImage, match="plain text"):
            decoder.with_thumbnail(b"no picture")
    with pytest.raises(RejectedImage, match="Try again in 60 minutes"):
        decoder.decode(b"no picture")
    moments[0] = HOUR + 1
    with pytest.raises(RejectedImage, match="plain text"):
        decoder.decode(b"no picture")


def test_who_drops_the_cookie_has_the_files_of_their_address_left_and_no_more():
    effort = Effort(1, address_quota=2)
    for number in range(2 * FILES_A_PICTURE):
        effort.locate(f"cookie {number}", "192.0.2.1")
        effort.begin(f"cookie {number}", 1)
    effort.locate("another", "192.0.2.1")
    with pytest.raises(RejectedImage, match=r"Visitors from your network address .* 20 files, or 240 seconds"):
        effort.begin("another", 1)
    effort.locate("another", "192.0.2.2")
    effort.begin("another", 1)


def test_seconds_count_for_the_visitor_whose_they_are(picture):
    effort = Effort(20, seconds=5)
    with counted(lambda seconds: effort.spend("ann", seconds)):
        current().spent(6)
    with pytest.raises(RejectedImage, match="5 seconds of decoding"):
        MeteredDecoder(DirectDecoder(), effort, lambda: "ann").thumbnail(picture("red"))
    assert MeteredDecoder(DirectDecoder(), effort, lambda: "bob").thumbnail(picture("red"))


def test_a_slow_run_leaves_other_visitors_their_turns_and_its_own_visitor_none():
    release = threading.Event()
    runner = VisitorRunner("test", lambda job: None, at_once=2)
    slow, behind, other = Owned("ann", lambda: release.wait(20)), Owned("ann"), Owned("bob")
    for job in (slow, behind, other):
        runner.submit(job)
    assert other.over.wait(20)
    assert not slow.over.is_set() and behind.state == "waiting"
    release.set()
    assert behind.over.wait(20)
    runner.close(20)


def test_jobs_that_wait_are_not_begun_once_it_closes():
    runner = VisitorRunner("test", lambda job: None, at_once=1)
    slow = Owned("ann", lambda: slow.stop.wait(20))
    late = Owned("bob")
    runner.submit(slow)
    runner.submit(late)
    runner.close(20)
    assert slow.over.is_set() and late.state == "stopped"
