"""Computes in the background on threads that the end of the program waits for."""

import threading

import pytest

from encoders.engines.quicken import quicken
from encoders.loading import load_encoder
from library.running import background
from testing.tiny_clip import save_tiny_clip


class EndedThread:
    def is_alive(self):
        return False


@pytest.fixture
def at_the_end(monkeypatch):
    monkeypatch.setattr(threading, "main_thread", EndedThread)


def started(name):
    return next(each for each in threading.enumerate() if each.name == name)


def test_what_waits_is_broken_off_when_the_program_ends(at_the_end):
    with pytest.raises(background.Ending):
        background.wait(threading.Event(), 600)
    with pytest.raises(background.Ending):
        background.check_end()


def test_an_event_ends_the_wait_and_so_does_the_time():
    event = threading.Event()
    assert not background.wait(event, 0.01)
    event.set()
    assert background.wait(event, 600)


def test_the_end_of_the_program_waits_for_the_choice_of_an_engine(tmp_path):
    quickening = quicken(load_encoder(str(save_tiny_clip(tmp_path / "model"))), "onnx", home=tmp_path)
    assert not started("engine").daemon
    quickening.wait()


def test_the_end_of_the_program_breaks_off_the_choice_of_an_engine_without_a_word(tmp_path, at_the_end, caplog):
    quickening = quicken(load_encoder(str(save_tiny_clip(tmp_path / "model"))), "onnx", home=tmp_path)
    quickening.wait()
    assert (quickening.probed, caplog.messages) == ({}, [])
