"""Draws the spinner of a command on a terminal that keeps what is written to it."""

import io
import sys
import threading

import pytest

from commands.spinner import ERASE, SIGNS, Spinner, spinning


class KeptTerminal(io.StringIO):
    """Keeps what is written, and tells of the first of it."""

    def __init__(self, is_terminal: bool = True) -> None:
        super().__init__()
        self.written = threading.Event()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        found = super().write(text)
        self.written.set()
        return found


@pytest.fixture
def take_terminal(monkeypatch):
    """Returns a function that makes stderr a terminal; called by a test, since pytest puts its own there first."""

    def take() -> KeptTerminal:
        terminal = KeptTerminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", terminal)
        return terminal

    return take


def test_a_spinner_is_erased_when_it_is_stopped():
    terminal = KeptTerminal()
    spinner = Spinner(terminal, after=0)
    spinner.start()
    assert terminal.written.wait(10)
    spinner.stop()
    spinner.stop()
    drawn = terminal.getvalue()
    assert drawn.startswith(f"\r{SIGNS[0]}") and drawn.endswith(ERASE) and drawn.count(ERASE) == 1


def test_a_spinner_that_is_stopped_before_its_time_draws_nothing():
    terminal = KeptTerminal()
    spinner = Spinner(terminal, after=60)
    spinner.start()
    spinner.stop()
    assert terminal.getvalue() == ""


def test_the_first_output_erases_the_spinner(take_terminal):
    terminal = take_terminal()
    with spinning(["search"]):
        assert terminal.written.wait(10)
        print("found", file=sys.stderr)
        assert terminal.getvalue().endswith(f"{ERASE}found\n")
    assert sys.stderr is terminal


@pytest.mark.parametrize("argv", [[], ["--version"], ["watch", "folder"]])
def test_the_page_and_a_watch_have_no_spinner(take_terminal, argv):
    terminal = take_terminal()
    with spinning(argv):
        assert sys.stderr is terminal


def test_a_pipe_gets_no_spinner(monkeypatch):
    pipe = KeptTerminal(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", pipe)
    with spinning(["search"]):
        assert sys.stderr is pipe
