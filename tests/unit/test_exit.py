"""Exits with the code of a command, also while a thread still loads a model."""

import os
import threading

import pytest

from runtime import MODEL_THREAD, exit_while_models_load


@pytest.fixture
def exits(monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
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
    with pytest.raises(SystemExit), exit_while_models_load():
        raise SystemExit(code)


@pytest.mark.parametrize(("code", "exit_code"), [(3, 3), (0, 0), (None, 0)])
def test_a_command_does_not_wait_for_a_model(exits, loading, code, exit_code):
    ends_with(code)
    assert exits == [exit_code]


def test_without_a_model_on_its_way_the_interpreter_ends_in_order(exits):
    ends_with(3)
    assert exits == []
