"""Checks that garbage, which no start looks for, is looked for once a process has begun its work."""

import gc

import pytest

from commands.session import Session
from library.image_library import ImageLibrary
from runtime import collect_garbage
from settings import Settings
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.waiting import until


@pytest.fixture
def starting():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("with_model", [True, False])
def test_a_command_that_has_its_library_looks_for_garbage(starting, tmp_path, with_model):
    def build(*_, **__):
        return ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())

    with Session(build, Settings(data_dir=tmp_path)).library(with_model):
        until(gc.isenabled)


def test_what_the_start_has_made_is_not_looked_through_and_a_second_time_nothing_happens(starting):
    before = gc.get_freeze_count()
    collect_garbage()
    frozen = gc.get_freeze_count()
    assert gc.isenabled() and frozen > before
    made = [[] for _ in range(1000)]
    collect_garbage()
    assert gc.get_freeze_count() <= frozen and len(made) == 1000
