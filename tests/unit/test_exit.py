"""Exits with the code of a command, also while a thread still loads a model."""

import atexit
import os
import threading

import pytest

from runtime import MODEL_THREAD, exit_without_delay


class Ended(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def exits(monkeypatch):
    codes = []

    def end(code):
        codes.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    return codes


@pytest.fixture
def loading():
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name=MODEL_THREAD, daemon=True)
    thread.start()
    yield
    go_on.set()
    thread.join()


def ends_with(code):
    with exit_without_delay():
        raise SystemExit(code)


def test_a_command_does_not_wait_for_a_model(exits, loading):
    for code, exit_code in [(3, 3), (0, 0), (None, 0)]:
        with pytest.raises(Ended):
            ends_with(code)
        assert exits.pop() == exit_code


def test_a_command_ends_once_it_is_done_and_what_waits_for_the_end_is_called(exits, monkeypatch):
    called = []
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: called.append(True))
    with pytest.raises(Ended):
        ends_with(3)
    assert (exits, called) == ([3], [True])


def test_a_text_in_place_of_a_code_is_left_to_the_interpreter(exits):
    with pytest.raises(SystemExit):
        ends_with("what went wrong")
    assert exits == []
